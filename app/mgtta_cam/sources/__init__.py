"""Sources of frames: one file a kind. A source gives RGB frames with an index and a media time."""
