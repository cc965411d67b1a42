"""Class names of a model, by index."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mgtta_models.errors import ModelError


@dataclass(frozen=True, slots=True)
class Labels:
    """The classes of a model, in the order of its logits."""

    names: tuple[str, ...]  # unique, for people
    wnids: tuple[str, ...] = ()  # WordNet ids, where the classes are ImageNet's: the names of its folders
    synonyms: tuple[tuple[str, ...], ...] = ()  # further names a class

    @classmethod
    def of_count(cls, classes: int) -> Labels:
        """ImageNet's names for 1,000 classes, numbers for any other count."""
        return _imagenet() if classes == 1000 else cls(tuple(f"class {i}" for i in range(classes)))

    @classmethod
    def read(cls, path: Path) -> Labels:
        """From a text file: one name a line, in the order of the classes."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"--labels expects a text file with one class name a line; cannot read {path}: {error}"
            ) from None
        return cls(_unique([line.strip() for line in lines if line.strip()]))

    def subset(self, kept: Sequence[int]) -> Labels:
        """Some of the classes, in this order."""
        wnids = tuple(self.wnids[i] for i in kept) if self.wnids else ()
        synonyms = tuple(self.synonyms[i] for i in kept) if self.synonyms else ()
        return Labels(tuple(self.names[i] for i in kept), wnids, synonyms)

    def index(self, text: str) -> int:
        """The class called `text`: a name, a synonym, a WordNet id or a number.

        Raises:
            ValueError: if there is none; with the nearest names.
        """
        key = text.strip().casefold()
        known = {name.casefold(): i for i, names in enumerate(self.synonyms) for name in names}
        known |= {name.casefold(): i for name_list in (self.wnids, self.names) for i, name in enumerate(name_list)}
        if key in known:
            return known[key]
        if key.isdigit() and int(key) < len(self.names):
            return int(key)
        near = difflib.get_close_matches(key, known, n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise ValueError(f"no class is called {text!r} among the model's {len(self.names)}{hint}")


def _imagenet() -> Labels:
    from timm.data import ImageNetInfo  # pyright: ignore[reportPrivateImportUsage]  takes seconds

    info = ImageNetInfo("imagenet-1k")
    synonyms = [tuple(part.strip() for part in text.split(",")) for text in info.label_descriptions()]
    return Labels(_unique([names[0] for names in synonyms]), tuple(info.label_names()), tuple(synonyms))


def _unique(names: list[str]) -> tuple[str, ...]:
    """Numbers the second and later of equal names: ImageNet has two cranes."""
    return tuple(
        name if names.index(name) == i else f"{name} ({names[: i + 1].count(name)})" for i, name in enumerate(names)
    )
