"""How fast this machine is, part by part: `mgtta-cam bench --speed`."""
