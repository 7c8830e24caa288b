"""Command line: parse, resolve, call one use case, render, exit."""
