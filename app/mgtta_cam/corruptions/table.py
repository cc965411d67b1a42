"""The table of all corruptions. A new one needs a pair of functions and a line here."""

from __future__ import annotations

from mgtta_cam.corruptions import blur, digital, elastic, noise, snow, spatter, weather
from mgtta_cam.corruptions.setting import Corruption, no_draw

CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": Corruption(noise.draw_gaussian, noise.render_gaussian, held=False),
    "shot_noise": Corruption(noise.draw_shot, noise.render_shot, held=False),
    "impulse_noise": Corruption(noise.draw_impulse, noise.render_impulse, held=False),
    "defocus_blur": Corruption(no_draw, blur.render_defocus),
    "glass_blur": Corruption(blur.draw_glass, blur.render_glass),
    "motion_blur": Corruption(blur.draw_motion, blur.render_motion),
    "zoom_blur": Corruption(no_draw, blur.render_zoom),
    "snow": Corruption(snow.draw_snow, snow.render_snow, drift=snow.drift_snow),
    "frost": Corruption(weather.draw_frost, weather.render_frost),
    "fog": Corruption(weather.draw_fog, weather.render_fog, drift=weather.drift_fog),
    "brightness": Corruption(no_draw, weather.render_brightness),
    "contrast": Corruption(no_draw, digital.render_contrast),
    "elastic_transform": Corruption(elastic.draw_elastic, elastic.render_elastic),
    "pixelate": Corruption(no_draw, digital.render_pixelate),
    "jpeg_compression": Corruption(no_draw, digital.render_jpeg),
    "speckle_noise": Corruption(noise.draw_speckle, noise.render_speckle, held=False),
    "gaussian_blur": Corruption(no_draw, blur.render_gaussian),
    "spatter": Corruption(spatter.draw_spatter, spatter.render_spatter),
    "saturate": Corruption(no_draw, digital.render_saturate),
}
