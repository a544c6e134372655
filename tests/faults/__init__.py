"""What crashes, stalls and full disks leave behind: exactly what an undisturbed run does."""
