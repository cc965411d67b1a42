"""The names of the 19 ImageNet-C corruptions, in the benchmark's order, and checks of names and severities."""

import difflib

STANDARD: tuple[str, ...] = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
"""The 15 corruptions that ImageNet-C averages over."""

VALIDATION: tuple[str, ...] = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The four extra corruptions, reserved for validation and pre-training."""

NAMES: tuple[str, ...] = STANDARD + VALIDATION

SEVERITIES: tuple[int, ...] = (1, 2, 3, 4, 5)


def check_name(name: str) -> str:
    """Return `name` if it is one of the 19; otherwise raise ValueError with the closest name and the list."""
    if name in NAMES:
        return name
    near = difflib.get_close_matches(str(name), NAMES, n=1, cutoff=0.4)
    hint = f" did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown corruption {name!r};{hint} known: {', '.join(NAMES)}")


def check_severity(severity: int) -> int:
    """Return `severity` if it is an integer 1..5; otherwise raise ValueError."""
    if isinstance(severity, bool) or not hasattr(severity, "__index__") or severity not in SEVERITIES:
        raise ValueError(f"severity must be an integer from 1 (weak) to 5 (strong), got {severity!r}")
    return int(severity)
