"""The whole suite as other processors would compute it: `python -m tests.processors [what pytest is told]`.

Libraries are told to leave out instructions that this processor has. One line a setting; exit code 1 if a test failed.
"""

from __future__ import annotations

import os
import subprocess
import sys

ATEN, ONEDNN = "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA"
SETTINGS = (
    {},
    {ATEN: "default"},
    {ATEN: "avx2"},
    {ATEN: "avx512"},
    {ONEDNN: "SSE41"},
    {ONEDNN: "AVX2"},
)
PROBE = "import torch; torch.randn(64, 64).softmax(1); print(torch.backends.cpu.get_cpu_capability())"


def main(words: list[str]) -> int:
    """Runs pytest under each setting; returns the exit code."""
    plain = {name: value for name, value in os.environ.items() if name not in (ATEN, ONEDNN)}
    ends = {" ".join(f"{k}={v}" for k, v in own.items()) or "as it is": ended(plain, own, words) for own in SETTINGS}
    print()
    for name, (_, said) in ends.items():
        print(f"{name:28} {said}")
    return int(any(code for code, _ in ends.values()))


def ended(plain: dict[str, str], own: dict[str, str], words: list[str]) -> tuple[int, str]:
    """Exit code and last line of pytest under a setting, or a word on why it did not run."""
    if ATEN in own and not has(plain, own):
        return 0, "skipped: this processor has no such instructions"
    print(f"\n{own or 'as it is'}", flush=True)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *words], env={**plain, **own}, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    last = "pytest said nothing"
    for line in run.stdout:
        print(line, end="", flush=True)
        last = line.strip() or last
    return run.wait(), last


def has(plain: dict[str, str], own: dict[str, str]) -> bool:
    """Whether torch runs with them here: it takes them at the word, and may die of an illegal instruction."""
    run = subprocess.run(
        [sys.executable, "-c", PROBE], env={**plain, **own}, capture_output=True, text=True, check=False
    )
    found = run.stdout.strip().lower().replace("no avx", "default")
    return run.returncode == 0 and found == own[ATEN]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
