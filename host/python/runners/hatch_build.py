"""Has the component built, by the example's script, when the wheel is: it is in no tree."""

import pathlib
import subprocess

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Runner(BuildHookInterface):
    def initialize(self, version, build_data):
        if self.target_name != "wheel" or version == "editable":
            raise RuntimeError("expected to build a wheel that is to be installed: the runner is built by what stands beside it in the project's tree")
        script = ROOT / "examples" / self.config["example"] / "build"
        made = ROOT / "target" / "runners" / f"{self.config['package']}.wasm"
        made.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([script, made], check=True)
        build_data["force_include"][str(made)] = f"{self.config['package']}/runner.wasm"
