"""The program from Python: what `import mgtta_cam` offers, one file each."""
