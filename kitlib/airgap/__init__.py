"""What is built where nothing ready-made can be had: go.mod files and sources, as package data."""
