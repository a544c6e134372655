"""The images and the compose file, on a real container engine."""
