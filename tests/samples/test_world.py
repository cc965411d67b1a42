"""The renderer: the same seed gives the same picture, and every class shows itself."""

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("pyvista", reason="pyvista, a development dependency, renders the embedded world")

from samples.objects import KINDS
from samples.render import Task, render, scene_rng, tasks
from samples.studio import Studio
from samples.world import Scene, make_scene, make_shot

SIZE = 64


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """A small renderer that the module's tests share, since starting one takes a second."""
    studio = Studio(SIZE, SIZE, oversampling=1)
    yield studio
    studio.close()


def _scene(label: str, number: int = 0) -> tuple[Scene, np.random.Generator]:
    rng = scene_rng("test", 7, label, number)
    return make_scene(label, rng), rng


def test_there_are_at_least_sixteen_classes_in_the_order_of_their_names():
    """Class indices come from sorted folder names, so the table must be sorted too."""
    assert len(KINDS) >= 16
    assert list(KINDS) == sorted(KINDS)


@pytest.mark.parametrize("label", KINDS)
def test_every_class_covers_a_good_part_of_its_picture(studio: Studio, label: str):
    """With its object away, a scene's picture differs in at least 3 % of the pixels."""
    scene, rng = _scene(label)
    shot = make_shot(label, rng)
    studio.stage(scene)
    whole = studio.shoot(shot)
    assert whole.shape == (SIZE, SIZE, 3)
    assert whole.dtype == np.uint8
    for actor in studio.actors:
        actor.visibility = False
    empty = studio.shoot(shot)
    changed = np.abs(whole.astype(int) - empty).max(2) > 8
    assert changed.mean() > 0.03


def test_the_same_seed_gives_the_same_picture_after_other_scenes(studio: Studio):
    """What was rendered before leaves no trace in the next picture."""
    pictures = []
    for other in ("car", "umbrella"):
        studio.stage(_scene(other)[0])
        scene, rng = _scene("mug")
        studio.stage(scene)
        pictures.append(studio.shoot(make_shot("mug", rng)))
    np.testing.assert_array_equal(*pictures)


def test_classes_seeds_and_splits_give_different_pictures(studio: Studio):
    """No two random generators of the world are the same."""
    pictures = set()
    for split in ("train", "test", "clip"):
        for seed in (0, 1):
            for label in ("key", "lamp"):
                for number in (0, 1):
                    rng = scene_rng(split, seed, label, number)
                    studio.stage(make_scene(label, rng))
                    pictures.add(studio.shoot(make_shot(label, rng)).tobytes())
    assert len(pictures) == 24


def test_shapes_of_classes_differ_more_between_classes_than_within():
    """The silhouette's proportions tell a bottle from a hat for any seed."""

    def slimness(label: str, number: int) -> float:
        width, _, height = np.ptp(_scene(label, number)[0].points(), axis=0)
        return height / width

    assert min(slimness("bottle", n) for n in range(5)) > 1.5 * max(slimness("hat", n) for n in range(5))


@pytest.mark.parametrize("label", KINDS)
def test_objects_fill_a_sphere_of_radius_one(label: str):
    """Framing relies on the bounding sphere, whatever the object's proportions."""
    points = _scene(label, 3)[0].points()
    assert np.linalg.norm(points, axis=1).max() == pytest.approx(1.0, abs=1e-4)
    assert np.isfinite(points).all()


def test_an_unknown_class_is_rejected_with_the_known_ones():
    """The error names what would have worked."""
    with pytest.raises(ValueError, match=r"airplane.*umbrella; got 'spaceship'"):
        make_scene("spaceship", np.random.default_rng(0))


def test_shooting_before_staging_says_what_to_do():
    """An empty studio has nothing to show."""
    studio = Studio(16, 16, oversampling=1)
    with pytest.raises(ValueError, match=r"call stage\(scene\)"):
        studio.shoot(make_shot("car", np.random.default_rng(0)))
    studio.close()


def test_rendering_is_resumable(studio: Studio, tmp_path):
    """What is rendered already is not asked for again; what was lost comes back the same."""
    todo = list(tasks(tmp_path, "test", 32, seed=3))
    assert sum(len(task.numbers) for task in todo) == 32
    first: Task = todo[0]
    render(studio, first)
    files = sorted(first.folder.iterdir())
    before = files[0].read_bytes()
    assert len(list(tasks(tmp_path, "test", 32, seed=3))) == len(todo) - 1
    files[0].unlink()
    assert first in list(tasks(tmp_path, "test", 32, seed=3))
    render(studio, first)
    assert files[0].read_bytes() == before
