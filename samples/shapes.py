"""Primitive solids from which the objects are assembled.

Notation: z points up, -y is the front. Lengths are arbitrary, since each finished object is scaled to a bounding
sphere of radius one. Every function returns a triangle mesh (`pyvista.PolyData`).
"""

from collections.abc import Sequence

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def polydata(mesh: object) -> pv.PolyData:
    """Check that a mesh is one of triangles and return it: pyvista's filters declare a wider type than they return."""
    if not isinstance(mesh, pv.PolyData):
        raise TypeError(f"expected a pyvista.PolyData; got {type(mesh).__name__}")
    return mesh


def lathe(profile: ArrayLike, sides: int = 36) -> pv.PolyData:
    """Revolve a profile of (radius, z) points, `[n, 2]`, around the z axis."""
    return gore(profile, 0.0, 2 * np.pi, sides)


def gore(profile: ArrayLike, start: float, stop: float, sides: int = 4) -> pv.PolyData:
    """Revolve a profile between two angles in radians: one panel of a canopy."""
    radius, height = np.asarray(profile, float).T
    angle = np.linspace(start, stop, sides + 1)
    x, y = (np.outer(radius, wave(angle)) for wave in (np.cos, np.sin))
    return _grid(x, y, np.broadcast_to(height[:, None], x.shape))


def rounded(profile: ArrayLike, points: int = 28) -> Array:
    """Smooth a coarse profile with Chaikin's corner cutting, keeping its ends; at most about `points` points stay."""
    line = np.asarray(profile, float)
    while len(line) < points:
        cut = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], axis=1)
        line = np.concatenate([line[:1], cut.reshape(-1, line.shape[1]), line[-1:]])
    return line


def sweep(path: ArrayLike, radii: ArrayLike, flat: float = 1.0, sides: int = 16) -> pv.PolyData:
    """Sweep an ellipse along a path in the x-z plane, `[n, 2]`, with a radius at each point.

    `flat` multiplies the extent along y. Ends are closed.
    """
    line = np.asarray(path, float)
    size = np.broadcast_to(np.asarray(radii, float), len(line))
    line, size = np.concatenate([line[:1], line, line[-1:]]), np.concatenate([[0.0], size, [0.0]])
    tangent = np.gradient(line[1:-1], axis=0)
    tangent = np.concatenate([tangent[:1], tangent, tangent[-1:]])
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    across = size[:, None] * np.cos(angle)
    return _grid(
        line[:, :1] - tangent[:, 1:] * across,
        flat * size[:, None] * np.sin(angle),
        line[:, 1:] + tangent[:, :1] * across,
    )


def rod(points: ArrayLike, radius: float, *, closed: bool = False, sides: int = 12) -> pv.PolyData:
    """A round bar through points in space, `[n, 3]`; `closed` joins the last to the first."""
    line = np.asarray(points, float)
    return polydata(pv.lines_from_points(line, close=closed).tube(radius=radius, n_sides=sides).triangulate())


def slab(outline: ArrayLike, thickness: float) -> pv.PolyData:
    """A plate: a simple polygon in the x-z plane, `[n, 2]`, extruded along y and centered there."""
    x, z = np.asarray(outline, float).T
    polygon = pv.PolyData(np.column_stack([x, np.full_like(x, -thickness / 2), z]), faces=[len(x), *range(len(x))])
    return polydata(polydata(polygon.triangulate()).extrude((0, thickness, 0), capping=True).triangulate())


def annulus(outline: ArrayLike, hole: ArrayLike, thickness: float) -> pv.PolyData:
    """A plate with a hole: two closed curves in the x-z plane with equally many points, `[n, 2]` each."""
    outer, inner = upright(outline), upright(hole)
    half = np.array([0.0, thickness / 2, 0.0])
    rings = np.stack([outer - half, outer + half, inner + half, inner - half, outer - half])
    rings = np.concatenate([rings, rings[:, :1]], axis=1)
    return _grid(rings[..., 0], rings[..., 1], rings[..., 2])


def block(size: Sequence[float], center: Sequence[float] = (0, 0, 0)) -> pv.PolyData:
    """A cuboid of the given extents along x, y and z."""
    return polydata(pv.Cube(center=center, x_length=size[0], y_length=size[1], z_length=size[2]).triangulate())


def ball(radii: Sequence[float] | float, center: Sequence[float] = (0, 0, 0)) -> pv.PolyData:
    """A sphere, or an ellipsoid if three radii are given."""
    mesh = pv.Sphere(radius=1.0, theta_resolution=24, phi_resolution=16)
    mesh.points = np.asarray(mesh.points) * np.broadcast_to(radii, 3) + np.asarray(center)
    return mesh


def disc(radius: float, thickness: float, center: Sequence[float], axis: str = "z", sides: int = 32) -> pv.PolyData:
    """A closed cylinder whose axis is x, y or z."""
    half = thickness / 2
    mesh = lathe([(0, -half), (radius, -half), (radius, half), (0, half)], sides)
    return polydata(turned(mesh, axis).translate(center))


def turned(mesh: pv.PolyData, axis: str) -> pv.PolyData:
    """Rotate a mesh so that its z axis points along x, y or z."""
    if axis == "z":
        return mesh
    return polydata(mesh.rotate_y(90) if axis == "x" else mesh.rotate_x(-90))


def ellipse(width: float, height: float, power: float = 2.0, points: int = 40) -> Array:
    """Points of a superellipse in the plane, `[points, 2]`: power 2 is an ellipse, 4 nearly a rectangle."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack(
        [
            width * np.sign(cos) * np.abs(cos) ** (2 / power),
            height * np.sign(sin) * np.abs(sin) ** (2 / power),
        ]
    )


def moved(points: ArrayLike, x: float, z: float) -> Array:
    """Translate points of the x-z plane, `[n, 2]`."""
    return np.asarray(points, float) + np.array([x, z])


def upright(plane: ArrayLike, y: float = 0.0) -> Array:
    """Embed points of the x-z plane, `[n, 2]`, in space, `[n, 3]`."""
    x, z = np.asarray(plane, float).T
    return np.column_stack([x, np.full_like(x, y), z])


def _grid(x: Array, y: Array, z: Array) -> pv.PolyData:
    rows, columns = x.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    corner, right, below, across = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.stack([corner, right, across, corner, across, below], axis=-1).reshape(-1, 3)
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    return polydata(pv.PolyData.from_regular_faces(points, triangles).clean())
