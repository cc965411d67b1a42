"""All options of a run: declared once, with their bounds and words of help."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, ConfigDict, Field, PositiveInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

NOT_ADAPTING = "none"  # the method that learns nothing
PANELS = ("Input", "Model", "Adaptation", "Output")


def _option(default: Any, panel: str, about: str, short: str | None = None, **bounds: Any) -> Any:
    extra = {"panel": panel, "short": short}
    return Field(default=default, description=about, json_schema_extra=cast("Any", extra), **bounds)


def _input(default: Any, about: str, short: str | None = None, **bounds: Any) -> Any:
    return _option(default, "Input", about, short, **bounds)


def _model(default: Any, about: str, **bounds: Any) -> Any:
    return _option(default, "Model", about, **bounds)


def _adaptation(default: Any, about: str, **bounds: Any) -> Any:
    return _option(default, "Adaptation", about, **bounds)


def _output(default: Any, about: str, short: str | None = None, **bounds: Any) -> Any:
    return _option(default, "Output", about, short, **bounds)


def _channels(value: Any) -> Any:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) != 3:
        raise ValueError("three numbers are expected, R,G,B")
    return parts


def _updates(value: Any) -> Any:
    if value == "auto":
        return value
    try:
        return TypeAdapter(PositiveInt).validate_python(value)
    except ValidationError:
        raise ValueError("a number from 1 on is expected, or auto") from None


Updates = Annotated[int | Literal["auto"], BeforeValidator(_updates)]
Channels = Annotated[tuple[float, float, float], BeforeValidator(_channels)]
PlugIn = Annotated[str, Field(pattern=r"^[^:]*[./][^:]*:\w+$")]  # ./mine.py:mine, package.module:mine


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Settings:
    """All that a run can be told. Each field is the option of its name, the variable MGTTA_CAM_<NAME>, the TOML key."""

    source: str | None = _input(
        None,
        "Camera number, /dev/videoN, /dev/v4l/by-id/NAME, video file, picture or folder of them, glob, rtsp:// rtmp:// "
        "http(s):// udp:// address. {NAME} is filled from the environment. Given again: several streams on one model.",
        "-s",
        coerce_numbers_to_str=True,  # a camera's number in a file needs no quotes
    )
    mode: Literal["auto", "every-frame", "freshest"] = _input(
        "auto", "Which frames to answer: auto takes every frame of files and the freshest of live sources."
    )
    vid_stride: int = _input(1, "Take every N-th frame.", ge=1)
    max_staleness: float = _input(
        0.5, "Of a live source's freshest frames: leave out what waited longer, in seconds.", gt=0
    )
    max_fps: float | None = _input(None, "Take at most this many frames a second of the stream.", gt=0)
    realtime: bool = _input(False, "Play files at their own speed.")
    loop: int = _input(1, "Play files this many times; 0 for ever.", ge=0)
    start: float = _input(0.0, "Leave out the first seconds of the stream.", ge=0)
    duration: float | None = _input(None, "Stop after this many seconds of the stream.", gt=0)
    max_frames: int | None = _input(None, "Stop after this many frames.", ge=1)
    open_timeout: float = _input(10.0, "Seconds to wait for a source to open.", gt=0)
    read_timeout: float = _input(5.0, "Seconds to wait for a frame.", gt=0)
    reconnect: bool | None = _input(None, "Open a lost source again; by default, live ones.")
    reconnect_attempts: int = _input(0, "Give up after so many attempts in a row; 0 never.", ge=0)
    reconnect_delay: float = _input(1.0, "Seconds before the first attempt; each next one waits twice as long.", gt=0)
    reconnect_max_delay: float = _input(30.0, "Longest wait between attempts, seconds.", gt=0)
    rtsp_transport: Literal["tcp", "udp", "auto"] = _input("tcp", "How RTSP carries its packets.")
    on_corrupt: Literal["skip", "stop"] = _input(
        "skip", "A packet that does not decode: skip reads on, stop ends the stream there."
    )
    max_bad_reads: int = _input(
        256, "So many failed reads in a row are the end, not damage; a file is asked for all that it promises.", ge=1
    )
    strict: bool = _input(False, "A file that gives fewer frames than it promises is an error (exit code 5).")
    chaos: str | None = _input(
        None,
        "Faults to try an installation with, KIND[:VALUE][@SECOND]: "
        '"stall:5s@30 cut@60 black:2s@70 freeze:2s@80 bitflip:1e-5 corrupt:0.01 resize:0.5@90".',
    )
    truth: Path | None = _input(
        None,
        "True classes: CSV `frame,label`; a frame may be a range, first-last. A sidecar clip.labels.csv is found "
        "by itself.",
    )
    label: str | None = _input(None, "The one true class of the whole clip: its name or number.")

    model: str = _model("vit_base_patch16_224", "Any timm Vision Transformer, or demo (embedded, needs no network).")
    weights: Path | None = _model(None, "Weights: .safetensors, or .pth read without running code.")
    labels: Path | None = _model(None, "Class names: a text file, one a line.")
    img_size: int | None = _model(
        None, "Side of the model's input; by default, as the next four, what its weights say.", ge=1
    )
    crop_pct: float | None = _model(None, "Share of the picture's shorter side that the model sees.", gt=0, le=1)
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] | None = _model(None, "Filter of resizing.")
    mean: Channels | None = _model(None, "Of the pixels, 0..1, that the model expects: R,G,B.")
    std: Channels | None = _model(None, "Of the pixels, 0..1, that the model expects: R,G,B.")
    device: str = _model("auto", "auto, cpu, cuda or cuda:N.", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = _model(
        "fp32",
        "Of products: tf32 on CUDA; bf16 or fp16, half the size, fp16 slow on CPUs. What is learned is float32 always.",
    )
    runtime: Literal["auto", "torch", "onnx"] = _model(
        "auto",
        "What computes answers: torch, or ONNX Runtime, faster for single frames on the CPU, where auto takes it; each "
        "model is exported once. Updates are torch's.",
    )
    threads: int | None = _model(None, "CPU threads; by default the libraries decide.", ge=1)
    warmup: int = _model(3, "Unseen answers before the first frame, so that its latency is typical.", ge=0)
    topk: int = _model(5, "Answers to show and log for each frame.", ge=1)

    method: str = _adaptation("mgtta", "How to adapt; `mgtta-cam methods` lists them.")
    mgg: Path | None = _adaptation(None, "Weights of the Meta Gradient Generator: ours or the authors' file.")
    stats: Path | None = _adaptation(None, "Source statistics, as `mgtta-cam stats` measures them.")
    adapt_batch: int = _adaptation(64, "Frames in the window that teaches.", ge=1)
    memory: Literal["window", "reservoir", "balanced"] | PlugIn = _adaptation(
        "reservoir",
        "What updates are made of: window takes the latest frames, as --paper does; reservoir draws from the latest "
        "twice as many, balanced keeps frames that differ, of all classes.",
    )
    adapt_stride: int = _adaptation(1, "Take every N-th frame into that window: neighbors show the same things.", ge=1)
    adapt_every: int | None = _adaptation(
        None, "Learn each N frames from the window as it is; by default from each full one once.", ge=1
    )
    adapt: Literal["inline", "background"] | None = _adaptation(
        None,
        "Updates in the loop, between two frames, or in the background: no answer waits for one. By default inline for "
        "files, background for cameras and streams.",
    )
    updates_per_window: Updates = _adaptation(
        1, "Updates a window, spread over its frames; auto: as many as spare time allows, 8 at most."
    )
    budget_ms: float | None = _adaptation(
        None, "Milliseconds a frame that updates may take, in the mean; by default what they take.", gt=0
    )
    max_updates: int | None = _adaptation(None, "Learn from at most this many windows.", ge=0)
    lr: float | None = _adaptation(None, "Learning rate; by default the method's published one.", gt=0)
    paper: bool = _adaptation(False, "The paper's settings where ours differ: MGTTA without larger steps at first.")
    guard: Literal["off", "warn", "rollback", "stop"] = _adaptation(
        "rollback",
        "When learning does harm, seen without labels: rollback takes it back, warn says so, stop ends the run "
        "(exit code 8). --paper: off.",
    )
    reset_on: Literal["none", "cut", "reconnect"] = _adaptation(
        "none", "Return to the source model where a new scene begins, or when a lost source is back."
    )
    state: Path | None = _adaptation(
        None,
        "Take up what an earlier run with this model and method learned, if the file is there, and keep it at the "
        "end (.safetensors).",
    )
    compare: Literal["off", "split"] = _adaptation("off", "split: the frozen model beside the adapted one.")
    teacher: bool | None = _adaptation(
        None,
        "In split view, ask the frozen model about corrupted frames without their corruption too: agreement with it "
        "tells how well both do where no frame is labeled. By default yes.",
    )
    corrupt: str | None = _adaptation(None, "Corrupt all frames: NAME or NAME:SEVERITY, severity 1..5.")
    corrupt_schedule: str | None = _adaptation(
        None, 'By frame index: "0:clean 300:contrast:5 600:gaussian_noise:4", or a file of that text.'
    )
    corrupt_on: Literal["frame", "crop"] = _adaptation(
        "frame", "frame: the whole picture, lengths scaled; crop: the model's crop, constants as published."
    )
    frost_dir: Path | None = _adaptation(None, "ImageNet-C's own frost pictures, instead of the made ones.")
    seed: int = _adaptation(0, "Seed of all random draws.", ge=0, lt=2**32)
    deterministic: bool = _adaptation(False, "Only kernels that give the same bits every time.")

    show: bool | None = _output(None, "Open a window; by default where a display answers.")
    save: Path | None = _output(
        None, "Record what is shown: .webm plays in browsers, .mkv survives a failing machine; .mp4, .avi."
    )
    log: Path | None = _output(None, "Write the adaptation log, JSON lines; .jsonl.gz: packed.")
    record_input: Path | None = _output(
        None, "Keep the model's input without loss (.mkv, about 100 KB a frame), so that a live run can be replayed."
    )
    web: str | None = _output(
        None,
        "Show picture and curves in a browser, with buttons for the keys: HOST:PORT, as 127.0.0.1:8080; port 0 takes a "
        "free one. From other machines it needs the token that is printed.",
    )
    json: bool = _output(False, "Print one summary object on stdout.")
    overwrite: bool = _output(False, "Replace output files that exist.")
    quiet: bool = _output(False, "No words but errors.", "-q")
    verbose: bool = _output(False, "More words; tracebacks of internal errors.", "-v")


def fields_of_settings() -> dict[str, Any]:
    """Name -> pydantic's FieldInfo, in the order of declaration: what help, flags and documents are made from."""
    declared = cast("Any", Settings)
    return {field.name: declared.__pydantic_fields__[field.name] for field in fields(declared)}


def flag(name: str) -> str:
    """Option name of a field: `vid_stride` -> `--vid-stride`."""
    return "--" + name.replace("_", "-")
