"""The renderer: turns a scene and a shot into a picture, off screen, and in software if there is no display."""

from functools import cache

import cv2
import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from samples.shapes import polydata
from samples.textures import Image
from samples.world import Part, Scene, Shot, direction, rotation

VIEW_DEGREES = 30.0
SHADOW_SPAN = 7.0  # side of the square around the object that can lie in shadow
SHADOW_PIXELS = 96
FAR = 40.0


class Studio:
    """Renders uint8 RGB pictures, `[height, width, 3]`. `stage` sets a scene up; `shoot` looks at it.

    `oversampling` pixels are averaged along each axis.
    """

    def __init__(self, width: int, height: int, oversampling: float = 2.0) -> None:
        self.size = (width, height)
        window = [round(width * oversampling), round(height * oversampling)]
        self._plotter = pv.Plotter(off_screen=True, window_size=window, lighting="none")
        target = self._plotter.render_window
        assert target is not None
        target.SetMultiSamples(0)  # in software rendering, multisampling costs three times as much
        self._key, self._fill = pv.Light(light_type="scene light"), pv.Light(light_type="headlight")
        for light in (self._key, self._fill):
            self._plotter.add_light(light)
        self._plotter.camera.view_angle = VIEW_DEGREES
        self._plotter.camera.clipping_range = (0.3, 3 * FAR)
        self._scene: Scene | None = None
        self._object: list[pv.Actor] = []
        self._ground: list[pv.Actor] = []
        self._shadow: pv.Actor | None = None
        self._points = np.zeros((0, 3), np.float32)

    def stage(self, scene: Scene) -> None:
        """Remove the previous scene and set up another."""
        self._plotter.clear_actors()
        self._scene, self._points = scene, scene.points()
        self._object = [self._add(part) for part in scene.parts]
        self._ground = [self._add(part) for part in scene.clutter]
        around = np.concatenate([scene.sky, scene.sky[:, ::-1]], axis=1)
        self._add(Part(_dome(), around, 0.0, 1.0, 1.0)).prop.lighting = False
        self._shadow = None
        if scene.floor is not None:
            self._ground.append(self._add(Part(_plane(3 * FAR, 0.0, 30), scene.floor, 0.0, 0.3, 1.0)))
            self._shadow = self._add(Part(_plane(SHADOW_SPAN, 0.004, 1), np.zeros((2, 2, 4), np.uint8), 0.0, 1.0, 1.0))
            self._shadow.prop.lighting = False
            self._ground.append(self._shadow)
        if scene.wall is not None:
            wall = polydata(_plane(3 * FAR, 0.0, 30).rotate_x(90).translate((0, 7.0, 0)))
            wall.point_data.active_normals = np.tile(np.array([0, -1, 0], np.float32), (4, 1))
            self._ground.append(self._add(Part(wall, scene.wall, 0.0, 0.3, 1.0)))

    def shoot(self, shot: Shot) -> Image:
        """Render the staged scene as seen by a shot."""
        if self._scene is None:
            raise ValueError("expected a staged scene before the first shot; call stage(scene)")
        turn = rotation(shot)
        pose = np.eye(4)
        pose[:3, :3] = turn
        for actor in self._object:
            actor.user_matrix = pose
        points = self._points @ turn.T
        floor = float(points[:, 2].min()) - shot.gap
        for actor in self._ground:
            actor.position = (0.0, 0.0, floor)
        toward = direction(shot.light_azimuth, shot.light_elevation)
        self._key.position, self._key.focal_point = tuple(10 * toward), (0, 0, 0)
        self._key.intensity, self._fill.intensity = shot.light, shot.ambience
        if self._shadow is not None:
            self._shadow.texture = _texture(_shadow_picture(points, floor, toward, 0.65 * shot.light))
        self._aim(shot, floor)
        self._plotter.render()
        frame = self._plotter.screenshot(return_img=True)
        return cv2.resize(np.asarray(frame), self.size, interpolation=cv2.INTER_AREA).astype(np.uint8)

    @property
    def actors(self) -> tuple[pv.Actor, ...]:
        """The staged object's parts, without its surroundings."""
        return tuple(self._object)

    def close(self) -> None:
        """Release the window."""
        self._plotter.close()

    def _aim(self, shot: Shot, floor: float) -> None:
        ray = direction(shot.azimuth, shot.elevation)
        distance = 1 / (np.sin(np.deg2rad(VIEW_DEGREES / 2)) * shot.fill)
        right = np.cross((0, 0, 1), ray)
        high = 2 * distance * np.tan(np.deg2rad(VIEW_DEGREES / 2))
        focus = -high * (shot.shift_x * right + shot.shift_z * np.cross(ray, right))
        eye = focus + distance * ray
        if self._scene is not None and self._scene.floor is not None:
            eye[2] = max(eye[2], floor + 0.15)
        camera = self._plotter.camera
        camera.position, camera.focal_point, camera.up = tuple(eye), tuple(focus), (0, 0, 1)

    def _add(self, part: Part) -> pv.Actor:
        actor = pv.Actor(mapper=pv.DataSetMapper(part.mesh))
        look = actor.prop
        look.interpolation = "Phong"
        look.ambient, look.diffuse, look.opacity = part.ambient, 1.0 - 0.5 * part.ambient, part.opacity
        look.specular, look.specular_power = part.shine, 30.0
        actor.texture = _texture(part.picture)
        self._plotter.renderer.add_actor(actor, reset_camera=False, render=False)
        return actor


def _texture(picture: Image) -> pv.Texture:
    texture = pv.Texture(np.ascontiguousarray(picture))
    texture.repeat, texture.interpolate, texture.mipmap = True, True, True
    return texture


def _plane(span: float, z: float, repeats: int) -> pv.PolyData:
    corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    points = np.column_stack([corner * span / 2, np.full(4, z)])
    mesh = pv.PolyData.from_regular_faces(points, np.array([[0, 1, 2], [0, 2, 3]]))
    mesh.point_data.active_normals = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    mesh.active_texture_coordinates = np.asarray((corner + 1) / 2 * repeats, np.float32)
    return mesh


@cache
def _dome() -> pv.PolyData:
    """A sphere around the scene; its texture's left edge is behind the camera."""
    mesh = pv.Sphere(radius=FAR, theta_resolution=48, phi_resolution=24, start_theta=-90, end_theta=269.99)
    x, y, z = np.asarray(mesh.points).T
    u = np.arctan2(x, y) / (2 * np.pi) + 0.5
    mesh.active_texture_coordinates = np.column_stack([u, 0.5 + 0.5 * z / FAR]).astype(np.float32)
    return mesh


def _shadow_picture(points: NDArray, floor: float, toward: NDArray, strength: float) -> Image:
    """The soft shadow that triangles, `[3 t, 3]`, cast on the floor, as black RGBA, `[p, p, 4]`."""
    height = points[:, 2:] - floor
    flat = points[:, :2] - height * (toward[:2] / toward[2])
    pixel = (flat / SHADOW_SPAN + 0.5) * SHADOW_PIXELS
    mask = np.zeros((SHADOW_PIXELS, SHADOW_PIXELS), np.uint8)
    corners = np.rint(pixel.reshape(-1, 3, 2) * (1, -1) + (0, SHADOW_PIXELS)).astype(np.int32)
    for triangle in corners:
        cv2.fillConvexPoly(mask, triangle, 255)
    blur = cv2.GaussianBlur(mask, (0, 0), 1.2 + float(height.min()) * 1.5)
    picture = np.zeros((SHADOW_PIXELS, SHADOW_PIXELS, 4), np.uint8)
    picture[..., 3] = blur * strength
    return picture
