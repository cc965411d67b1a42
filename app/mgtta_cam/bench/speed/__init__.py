"""Measure this machine's speed, part by part: `mgtta-cam bench --speed`."""
