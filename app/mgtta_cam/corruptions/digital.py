"""Contrast, pixelate and JPEG compression of ImageNet-C, and saturate of its extra set."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import PIL.Image

from mgtta_cam.corruptions.hsv import change_hsv
from mgtta_cam.corruptions.setting import Setting
from mgtta_cam.types import Image

CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)
PIXELATE = (0.6, 0.5, 0.4, 0.3, 0.25)
JPEG_QUALITY = (25, 18, 15, 10, 7)
SATURATE_FACTOR_ADD = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))


def render_contrast(image: Image, _: None, setting: Setting) -> Image:
    """clip((x - mean) c + mean), with the mean per channel."""
    mean = np.array(cv2.mean(image)[:3]) / 255
    levels = (np.arange(256)[:, None] / 255 - mean) * setting.pick(CONTRAST) + mean
    table = (np.clip(levels, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def render_pixelate(image: Image, _: None, setting: Setting) -> Image:
    """Average over boxes, then repeat each mean over its box."""
    share = setting.pick(PIXELATE)
    small = int(setting.width * share), int(setting.height * share)
    picture = PIL.Image.fromarray(image).resize(small, PIL.Image.Resampling.BOX)
    return np.array(picture.resize((setting.width, setting.height), PIL.Image.Resampling.NEAREST))


def render_jpeg(image: Image, _: None, setting: Setting) -> Image:
    """Compress as JPEG and decode, with Pillow's defaults (4:2:0)."""
    return through_jpeg(image, quality=setting.pick(JPEG_QUALITY))


def through_jpeg(image: Image, **options: Any) -> Image:
    """Compress an image as JPEG and decode it; `options` are those of Pillow's JPEG writer."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "JPEG", **options)
    return np.array(PIL.Image.open(buffer))


def render_saturate(image: Image, _: None, setting: Setting) -> Image:
    """clip(a S + b), where S is the saturation in HSV."""
    factor, add = setting.pick(SATURATE_FACTOR_ADD)
    return change_hsv(image, saturation_factor=factor, saturation_add=add)
