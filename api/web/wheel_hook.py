"""Hatchling's hook: a wheel carries the built map, so the map is built before the wheel."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MapHook(BuildHookInterface[Any]):
    """Build the map of a wheel; in an editable tree `biodata demo` and `biodata serve` do it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the map, or stop with the reason why it cannot be built."""
        del build_data
        if version == "editable":
            return
        # By its path: where the wheel is built, the packages that biodata imports are not installed.
        spec = spec_from_file_location("web_build", Path(self.root) / "biodata" / "cli" / "web_build.py")
        if spec is None or spec.loader is None:
            message = "biodata/cli/web_build.py is missing"
            raise RuntimeError(message)
        web_build = module_from_spec(spec)
        spec.loader.exec_module(web_build)
        why = web_build.build_map(Path(self.root) / "api" / "web")
        if why is not None:
            message = f"a wheel carries the built map, and {why}"
            raise RuntimeError(message)
