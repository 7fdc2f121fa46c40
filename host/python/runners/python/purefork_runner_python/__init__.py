"""The component in which purefork runs snippets of Python."""

import pathlib

RUNNER = pathlib.Path(__file__).with_name("runner.wasm")
