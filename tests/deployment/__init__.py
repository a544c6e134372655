"""What is deployed: that the files agree with the services."""
