"""All options of a run, declared once with their bounds and help texts."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, ConfigDict, Field, PositiveInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

MODEL = "vit_base_patch16_224"  # the default
NOT_ADAPTING = "none"  # the method that never adapts
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
        raise ValueError("expected three numbers, R,G,B")
    return parts


def _updates(value: Any) -> Any:
    if value == "auto":
        return value
    try:
        return TypeAdapter(PositiveInt).validate_python(value)
    except ValidationError:
        raise ValueError("expected a whole number of at least 1, or auto") from None


Updates = Annotated[int | Literal["auto"], BeforeValidator(_updates)]
Channels = Annotated[tuple[float, float, float], BeforeValidator(_channels)]
PlugIn = Annotated[str, Field(pattern=r"^[^:]*[./][^:]*:\w+$")]  # ./mine.py:mine, package.module:mine


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Settings:
    """The settings of a run. Each field is an option, an environment variable MGTTA_CAM_<NAME> and a TOML key."""

    source: str | None = _input(
        None,
        "Camera number, /dev/videoN, /dev/v4l/by-id/NAME, video file, picture or folder of them, glob, or rtsp:// "
        "rtmp:// http(s):// udp:// address, with {NAME} filled in from the environment; repeat the option to run "
        "several streams on one model.",
        "-s",
        coerce_numbers_to_str=True,  # a camera's number in a file needs no quotes
    )
    mode: Literal["auto", "every-frame", "freshest"] = _input(
        "auto", "Classify every frame or only the freshest; auto: every frame of a file, the freshest of a live source."
    )
    vid_stride: int = _input(1, "Take every N-th frame.", ge=1)
    max_staleness: float = _input(0.5, "Drop live frames older than this many seconds.", gt=0)
    max_fps: float | None = _input(None, "Take at most this many frames per second; no limit by default.", gt=0)
    realtime: bool = _input(False, "Play files at their own speed.")
    loop: int = _input(1, "Play files this many times; 0 repeats without end.", ge=0)
    start: float = _input(0.0, "Skip this many seconds at the start of the stream.", ge=0)
    duration: float | None = _input(
        None, "Stop after this many seconds of the stream; by default, play it to its end.", gt=0
    )
    max_frames: int | None = _input(None, "Stop after this many frames; no limit by default.", ge=1)
    open_timeout: float = _input(10.0, "Seconds to wait for a source to open.", gt=0)
    read_timeout: float = _input(5.0, "Seconds to wait for a frame.", gt=0)
    reconnect: bool | None = _input(None, "Reopen a source that was lost; by default, only live sources.")
    reconnect_attempts: int = _input(0, "Give up after this many consecutive failed attempts; 0 never gives up.", ge=0)
    reconnect_delay: float = _input(1.0, "Seconds before the first attempt; the delay doubles after each one.", gt=0)
    reconnect_max_delay: float = _input(30.0, "Longest delay between attempts, in seconds.", gt=0)
    rtsp_transport: Literal["tcp", "udp", "auto"] = _input("tcp", "Transport protocol for RTSP.")
    on_corrupt: Literal["skip", "stop"] = _input(
        "skip", "Skip packets that cannot be decoded, or stop at the first one."
    )
    max_bad_reads: int = _input(
        256,
        "Consecutive failed reads that end the stream; a file is always read up to the number of frames it promises.",
        ge=1,
    )
    strict: bool = _input(False, "Fail if a file delivers fewer frames than it promises (exit code 5).")
    chaos: str | None = _input(
        None,
        "Inject faults to test an installation, written KIND[:VALUE][@SECOND]: "
        '"stall:5s@30 cut@60 black:2s@70 freeze:2s@80 bitflip:1e-5 corrupt:0.01 resize:0.5@90".',
    )
    truth: Path | None = _input(
        None,
        "True classes as CSV lines `frame,label`, where a frame may be a range first-last; by default, "
        "clip.labels.csv next to clip.mp4, if there is one.",
    )
    label: str | None = _input(None, "True class of the whole clip, by name or number.")

    model: str = _model(MODEL, "Any timm Vision Transformer, or demo (embedded, works offline).")
    weights: Path | None = _model(
        None, "Weights file, .safetensors or .pth (loaded without running code); by default, timm's weights."
    )
    labels: Path | None = _model(None, "Text file of class names, one per line; by default, those of the weights.")
    img_size: int | None = _model(
        None, "Side of the model's input in pixels; by default, as the weights specify.", ge=1
    )
    crop_pct: float | None = _model(
        None,
        "Share of the picture's shorter side that is cropped for the model, above 0 and up to 1; by default, as the "
        "weights specify.",
        gt=0,
        le=1,
    )
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] | None = _model(
        None, "Resizing filter; by default, as the weights specify."
    )
    mean: Channels | None = _model(
        None,
        "Mean that is subtracted from each channel, R,G,B, for pixels in 0..1; by default, as the weights specify.",
    )
    std: Channels | None = _model(
        None,
        "Standard deviation that each channel is divided by, R,G,B, for pixels in 0..1; by default, as the weights "
        "specify.",
    )
    device: str = _model(
        "auto", "Where the model runs: cpu, cuda, cuda:N, or auto.", pattern=r"^(auto|cpu|cuda(:\d+)?)$"
    )
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = _model(
        "fp32",
        "Number format of the model's computations: tf32 is faster on CUDA, bf16 and fp16 also halve its memory (fp16 "
        "is slow on CPUs); adapted parameters always stay float32.",
    )
    runtime: Literal["auto", "torch", "onnx"] = _model(
        "auto",
        "Engine for predictions: torch, onnx (ONNX Runtime, faster for single frames on a CPU, exports each model "
        "once), or auto (onnx on a CPU); updates always run in torch.",
    )
    threads: int | None = _model(None, "CPU threads; by default, the libraries decide.", ge=1)
    warmup: int = _model(
        3, "Predictions made and discarded before the first frame, so that its latency is typical.", ge=0
    )
    topk: int = _model(5, "Number of classes to show and log for each frame.", ge=1)

    method: str = _adaptation("mgtta", "Adaptation method; `mgtta-cam methods` lists them.")
    mgg: Path | None = _adaptation(
        None, "Weights of the Meta Gradient Generator, ours or the authors'; by default, those that are shipped."
    )
    stats: Path | None = _adaptation(
        None, "Source statistics from `mgtta-cam stats`; by default, those that are shipped."
    )
    adapt_batch: int = _adaptation(64, "Number of frames in an update's window.", ge=1)
    memory: Literal["window", "reservoir", "balanced"] | PlugIn = _adaptation(
        "reservoir",
        "Which frames an update uses: window takes the latest (as --paper does), reservoir samples from twice as many "
        "of the latest, balanced keeps dissimilar frames of all classes.",
    )
    adapt_stride: int = _adaptation(
        1, "Add every N-th frame to that window, because neighboring frames show the same things.", ge=1
    )
    adapt_every: int | None = _adaptation(
        None, "Update after every N frames with the window as it is; by default, once per full window.", ge=1
    )
    adapt: Literal["inline", "background"] | None = _adaptation(
        None,
        "Run updates between frames (inline) or on another thread, so that no prediction waits for one (background); "
        "by default, inline for files and background for live sources.",
    )
    updates_per_window: Updates = _adaptation(
        1, "Updates per window, spread over its frames; auto makes as many as spare time allows, up to 8."
    )
    budget_ms: float | None = _adaptation(
        None, "Average milliseconds per frame that updates may take; no limit by default.", gt=0
    )
    max_updates: int | None = _adaptation(None, "Stop adapting after this many windows; no limit by default.", ge=0)
    lr: float | None = _adaptation(None, "Learning rate; by default, the method's published one.", gt=0)
    paper: bool = _adaptation(False, "Use the paper's settings where ours differ: for MGTTA, no larger steps at first.")
    guard: Literal["off", "warn", "rollback", "stop"] = _adaptation(
        "rollback",
        "What to do when updates make the model worse, which is detected without labels: rollback undoes them, warn "
        "prints a warning, stop ends the run (exit code 8); --paper turns it off.",
    )
    reset_on: Literal["none", "cut", "reconnect"] = _adaptation(
        "none", "Return to the source model when a new scene begins (cut) or a lost source is back (reconnect)."
    )
    state: Path | None = _adaptation(
        None,
        "Load the adapted state that an earlier run with this model and method saved to this .safetensors file, if it "
        "exists, and save it again at the end.",
    )
    compare: Literal["off", "split"] = _adaptation(
        "off", "Show the adapted model alone (off), or next to the frozen one (split)."
    )
    teacher: bool | None = _adaptation(
        None,
        "In split view, also show the frozen model each corrupted frame without its corruption, and measure how often "
        "both models agree with that prediction, an estimate of accuracy for frames without labels; on by default.",
    )
    corrupt: str | None = _adaptation(None, "Corrupt all frames: NAME or NAME:SEVERITY, severity 1..5.")
    corrupt_schedule: str | None = _adaptation(
        None,
        'Change the corruption at given frame indices: "0:clean 300:contrast:5 600:gaussian_noise:4", or a text file '
        "of the same.",
    )
    corrupt_on: Literal["frame", "crop"] = _adaptation(
        "frame",
        "Corrupt the whole frame, with lengths scaled to its size, or the model's crop, with the published constants.",
    )
    frost_dir: Path | None = _adaptation(None, "Folder of ImageNet-C's frost pictures; by default, frost is generated.")
    seed: int = _adaptation(0, "Seed for all random numbers.", ge=0, lt=2**32)
    deterministic: bool = _adaptation(False, "Use only kernels that give identical bits every time.")

    show: bool | None = _output(None, "Open a window; by default, where there is a display.")
    save: Path | None = _output(
        None,
        "Record the displayed picture to a .webm (plays in browsers), .mkv (survives a crash), .mp4 or .avi file.",
    )
    save_fps: float | None = _output(None, "Record at most this many frames a second, at the same speed.", gt=0)
    log: Path | None = _output(None, "Write the adaptation log as JSON lines, compressed if the name ends in .gz.")
    record_input: Path | None = _output(
        None,
        "Record the model's input losslessly to an .mkv file, about 100 KB per frame, so that a live run can be "
        "replayed.",
    )
    web: str | None = _output(
        None,
        "Serve picture, curves and buttons for the keys to browsers at HOST:PORT, such as 127.0.0.1:8080, where port 0 "
        "picks a free one; other machines need the printed token.",
    )
    json: bool = _output(False, "Print a summary as one JSON object on stdout.")
    overwrite: bool = _output(False, "Replace existing output files.")
    quiet: bool = _output(False, "Print only errors.", "-q")
    verbose: bool = _output(False, "Print every event, and tracebacks of internal errors.", "-v")


def fields_of_settings() -> dict[str, Any]:
    """Name -> pydantic's FieldInfo, in the order of declaration; help, flags and documents are generated from it."""
    declared = cast("Any", Settings)
    return {field.name: declared.__pydantic_fields__[field.name] for field in fields(declared)}


def flag(name: str) -> str:
    """The option name of a field: `vid_stride` -> `--vid-stride`."""
    return "--" + name.replace("_", "-")
