"""Where the bytes of videos are: in files, in members of a tar archive, or elsewhere by a URL."""
