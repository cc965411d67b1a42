"""Scenes: one object of a known class, its materials, its surroundings and the view of it, all from a seed.

A `Scene` stays the same from picture to picture; a `Shot` holds what moves, as plain numbers, so a film is a path
between two shots.
"""

from dataclasses import astuple, dataclass

import cv2
import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from samples.objects import KINDS, Kind
from samples.shapes import polydata
from samples.textures import MATERIALS, SKIES, SURFACES, Color, Image, color, hex_color, sky, surface

Rng = np.random.Generator
FIXED_COLORS = {"dark": (0.07, 0.07, 0.08), "glass": (0.75, 0.85, 0.95), "light": (1.0, 0.97, 0.86)}
FIXED = {slot: np.array(rgb) for slot, rgb in FIXED_COLORS.items()}


@dataclass(frozen=True, slots=True)
class Part:
    """The triangles of one material, `[3 t]` points with normals and texture coordinates, and how they look."""

    mesh: pv.PolyData
    picture: Image
    shine: float
    ambient: float
    opacity: float


@dataclass(frozen=True, slots=True)
class Shot:
    """Pose, camera and light. Angles in degrees; lengths in radii of the object's bounding sphere."""

    yaw: float  # of the object, around z
    pitch: float  # around x: -90 lays the front to the top
    roll: float  # around y, in the plane of the picture
    gap: float  # between the object's lowest point and the floor
    azimuth: float  # of the camera
    elevation: float
    fill: float  # height of the bounding sphere as a share of the picture's height
    shift_x: float  # of the object from the picture's center, as a share of the picture's height
    shift_z: float
    light_azimuth: float
    light_elevation: float
    light: float  # strength of the main light
    ambience: float  # strength of the light from the camera

    def toward(self, other: "Shot", share: float) -> "Shot":
        """The shot a `share` (0..1) of the way to another one."""
        return Shot(*(a + share * (b - a) for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Scene:
    """An object with its surroundings: a floor, and a wall or a sky."""

    label: str
    parts: tuple[Part, ...]
    floor: Image | None
    wall: Image | None
    sky: Image
    clutter: tuple[Part, ...]

    def points(self) -> NDArray[np.float32]:
        """All corners of the object's triangles, `[3 t, 3]`."""
        return np.concatenate([np.asarray(part.mesh.points, np.float32) for part in self.parts])


def make_scene(label: str, rng: Rng) -> Scene:
    """A scene with a new object of the class `label`, one of KINDS."""
    if label not in KINDS:
        raise ValueError(f"expected a class out of {', '.join(KINDS)}; got {label!r}")
    kind = KINDS[label]
    tint = hex_color(str(rng.choice(kind.tints))) if kind.tints and rng.random() < 0.5 else color(rng)
    body = np.clip(tint + rng.normal(0, 0.04, 3), 0, 1)
    colors = {"body": body, "trim": color(rng), "metal": np.full(3, rng.uniform(0.4, 0.85)), **FIXED}
    built = [(mesh, slot) for mesh, slot in kind.build(rng) if mesh.n_points]
    slots: dict[str, list[pv.PolyData]] = {}
    for mesh, slot in built:
        slots.setdefault(slot, []).append(polydata(mesh))
    corners = np.concatenate([np.asarray(mesh.points) for mesh, _ in built])
    center = (corners.max(0) + corners.min(0)) / 2
    size = float(np.linalg.norm(corners - center, axis=1).max())
    parts = tuple(_part(rng, meshes, slot, colors[slot], center, size) for slot, meshes in slots.items())
    ground, far = (_apart(rng, body) for _ in range(2))
    airy = kind.stance == "flying" or rng.random() < 0.15
    indoor = not airy and rng.random() < 0.4
    return Scene(
        label=label,
        parts=parts,
        floor=None if airy else surface(rng, str(rng.choice(SURFACES)), ground, _near(rng, ground)),
        wall=surface(rng, str(rng.choice(SURFACES)), far, _near(rng, far)) if indoor else None,
        sky=sky(rng, str(rng.choice(SKIES)), far, color(rng)),
        clutter=() if airy or rng.random() < 0.55 else tuple(_clutter(rng) for _ in range(rng.integers(1, 6))),
    )


def make_shot(label: str, rng: Rng) -> Shot:
    """A pose, a camera and a light that leave the class `label` recognizable."""
    kind = KINDS[label]
    yaw, pitch, roll, gap, elevation = _stance(kind, rng)
    return Shot(
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        gap=gap,
        azimuth=rng.uniform(-25, 25),
        elevation=elevation,
        fill=rng.uniform(0.78, 1.06),
        shift_x=rng.uniform(-0.08, 0.08),
        shift_z=rng.uniform(-0.06, 0.06),
        light_azimuth=rng.uniform(-75, 75),
        light_elevation=rng.uniform(30, 75),
        light=rng.uniform(0.75, 1.15),
        ambience=rng.uniform(0.25, 0.5),
    )


def _stance(kind: Kind, rng: Rng) -> tuple[float, float, float, float, float]:
    turn = rng.uniform(*kind.turn) + 180.0 * float(kind.both and rng.random() < 0.5)
    if kind.stance == "flying":
        return turn, rng.uniform(-20, 20), rng.uniform(-25, 25), 3.0, float(rng.choice([-1, 1])) * rng.uniform(8, 50)
    if kind.stance == "held":
        return turn, rng.uniform(-35, 35), rng.uniform(-40, 40), rng.uniform(0.1, 1.0), rng.uniform(-5, 35)
    if kind.stance == "flat" and rng.random() < 0.5:
        return turn, -90.0, 0.0, 0.0, rng.uniform(42, 80)
    if kind.stance == "flat":
        return rng.uniform(-45, 45), rng.uniform(-20, 20), turn, rng.uniform(0.1, 0.8), rng.uniform(-2, 25)
    return turn, 0.0, 0.0, 0.0, rng.uniform(6, 42)


def _part(rng: Rng, meshes: list[pv.PolyData], slot: str, tint: Color, center: NDArray, size: float) -> Part:
    points, normals = _corners(_joined(meshes))
    points = ((points - center) / size).astype(np.float32)
    pattern = str(rng.choice(MATERIALS)) if slot in ("body", "trim") else "plain"
    return Part(
        mesh=_textured(points, normals, rng.uniform(0.4, 0.9)),
        picture=surface(rng, pattern, tint, color(rng), 64 if pattern == "plain" else 128),
        shine=0.7 if slot == "metal" else float(rng.choice([0.0, 0.2, 0.5])),
        ambient=0.6 if slot == "light" else 0.12,
        opacity=0.35 if slot == "glass" else 1.0,
    )


def _joined(meshes: list[pv.PolyData]) -> pv.PolyData:
    """Merge meshes into one; cheaper than pyvista's merge, which compares all points."""
    starts = np.cumsum([0, *(mesh.n_points for mesh in meshes[:-1])])
    triangles = [mesh.regular_faces + start for mesh, start in zip(meshes, starts, strict=True)]
    return pv.PolyData.from_regular_faces(np.concatenate([mesh.points for mesh in meshes]), np.concatenate(triangles))


def _corners(mesh: pv.PolyData) -> tuple[NDArray, NDArray]:
    """Points and normals of each triangle's corners, `[3 t, 3]`: smooth over round parts, sharp at edges."""
    smooth = mesh.compute_normals(feature_angle=40, split_vertices=True, cell_normals=False)
    index = smooth.regular_faces.ravel()
    return np.asarray(smooth.points)[index], np.asarray(smooth.point_data["Normals"])[index]


def _textured(points: NDArray, normals: NDArray, scale: float) -> pv.PolyData:
    """A mesh whose texture is projected on each triangle along the axis that it faces most."""
    mesh = pv.PolyData.from_regular_faces(points, np.arange(len(points)).reshape(-1, 3))
    facing = np.abs(normals.reshape(-1, 3, 3).sum(1)).argmax(1).repeat(3)
    plane = np.array([[1, 2], [0, 2], [0, 1]])[facing]
    mesh.point_data.active_normals = normals.astype(np.float32)
    mesh.active_texture_coordinates = (np.take_along_axis(points, plane, 1) * scale + 0.5).astype(np.float32)
    return mesh


def _clutter(rng: Rng) -> Part:
    """A plain solid that stands behind the object on the floor (z = 0)."""
    tall, wide = rng.uniform(0.3, 1.6), rng.uniform(0.2, 0.6)
    solids = (
        lambda: pv.Cube(x_length=wide, y_length=wide, z_length=tall).rotate_z(rng.uniform(0, 90)),
        lambda: pv.Cylinder(direction=(0, 0, 1), radius=wide / 2, height=tall, resolution=24),
        lambda: pv.Sphere(radius=tall / 2),
        lambda: pv.Cone(direction=(0, 0, 1), radius=wide / 2, height=tall, resolution=24),
    )
    mesh = polydata(solids[rng.integers(len(solids))]().triangulate())
    points, normals = _corners(mesh)
    place = np.array([rng.uniform(-4.5, 4.5), rng.uniform(2.4, 6.0), tall / 2])
    picture = surface(rng, str(rng.choice(MATERIALS)), color(rng), color(rng), 64)
    return Part(_textured((points + place).astype(np.float32), normals, 0.6), picture, 0.1, 0.15, 1.0)


def _apart(rng: Rng, from_color: Color) -> Color:
    """A muted color that contrasts well with another one."""
    while True:
        drawn = color(rng, (0.0, 0.55), (0.25, 1.0))
        if np.abs(drawn - from_color).max() > 0.3:
            return drawn


def _near(rng: Rng, to_color: Color) -> Color:
    """A color close to another one."""
    return np.clip(to_color + rng.normal(0, 0.13, 3), 0, 1)


def rotation(shot: Shot) -> NDArray[np.float64]:
    """The object's rotation, `[3, 3]`: first roll, then pitch, then yaw."""
    roll, pitch, yaw = (np.deg2rad(angle) for angle in (shot.roll, shot.pitch, shot.yaw))
    turns = (np.array([0, 0, yaw]), np.array([pitch, 0, 0]), np.array([0, roll, 0]))
    z, x, y = (np.asarray(cv2.Rodrigues(turn)[0], np.float64) for turn in turns)
    return z @ x @ y


def direction(azimuth: float, elevation: float) -> NDArray[np.float64]:
    """The unit vector, `[3]`, that points to the front for zero angles (degrees)."""
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    return np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
