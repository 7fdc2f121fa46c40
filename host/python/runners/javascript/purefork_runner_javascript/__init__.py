"""The component in which purefork runs snippets of JavaScript."""

import pathlib

RUNNER = pathlib.Path(__file__).with_name("runner.wasm")
