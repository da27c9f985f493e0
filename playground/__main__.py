"""`make demo`: the whole of Toban on this machine, a story played on it, then a prompt.

python -m playground            play the story (once; later starts reuse what is there), then a prompt
python -m playground --once     play the story on fresh data, check each step, end with 0 or 1
python -m playground --app URL  only the loopback Slack, before any Bolt app (--app socket: by Socket Mode)
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from playground.programs import ProgramFailed
from playground.prompt import HELP, Prompt
from playground.slack.__main__ import front
from playground.slack.client import Playground
from playground.stage import Stage, StoryFailed
from playground.story import Story
from playground.terminal import Terminal
from playground.world import ROOT, World

FOLDER = ROOT / ".playground"
ADDRESSES = FOLDER / "address.json"
PLAYED = "story-played.json"
NAMES = {"slack": "loopback Slack", "github": "loopback GitHub", "functions": "function app", "bot": "bot"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the playground; 0 when all went as it should, 1 when a step of the story did not."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if any(word.partition("=")[0] == "--app" for word in given):
        return front(given)
    parser = argparse.ArgumentParser(
        prog="python -m playground",
        description=__doc__.partition("\n")[0],
        epilog="With --app ADDRESS, or --app socket, it is only a Slack in front of any Bolt app, and takes "
        "the options that --app ADDRESS --help lists.",
    )
    parser.add_argument("--once", action="store_true", help="play and check the story, then end")
    parser.add_argument("--home", type=Path, help="folder for the data (default .playground/demo or …/once)")
    options = parser.parse_args(given)
    terminal = Terminal()
    world = World(options.home or FOLDER / ("once" if options.once else "demo"), terminal.note)
    played = world.home / PLAYED
    begun = time.monotonic()
    try:
        world.claim()
        if options.once or not played.exists():
            world.forget()
        slack = world.start()
        _say_where(terminal, world, time.monotonic() - begun)
        if not options.once:
            world.keep_completions()
        if not played.exists():
            _play(terminal, world, slack, played)
        else:
            terminal.note("The data of the last start is reused; `make clean` forgets it.")
        if not options.once:
            _converse(terminal, slack)
    except (StoryFailed, ProgramFailed) as error:
        terminal.failed(str(error))
        terminal.note(f"The programs' logs are in {world.home / 'logs'}.")
        return 1
    except KeyboardInterrupt:
        return 1 if options.once else 0
    finally:
        _forget_where(world)
        world.stop()
    return 0


def _say_where(terminal: Terminal, world: World, seconds: float) -> None:
    ADDRESSES.parent.mkdir(parents=True, exist_ok=True)
    ADDRESSES.write_text(json.dumps(world.addresses), encoding="utf-8")
    terminal.note(f"The playground is up after {seconds:.1f} s; its data is in {world.home}.")
    for name, what in NAMES.items():
        terminal.line(f"  {what:<15} {world.addresses[name]}")


def _forget_where(world: World) -> None:
    """Take the addresses away, unless another playground has put its own there meanwhile."""
    if ADDRESSES.exists() and json.loads(ADDRESSES.read_text(encoding="utf-8")) == world.addresses:
        ADDRESSES.unlink()


def _play(terminal: Terminal, world: World, slack: Playground, played: Path) -> None:
    stage = Stage(slack, terminal)
    story = Story(world, stage)
    begun = time.monotonic()
    story.play()
    timings = {**story.timings, "whole story": time.monotonic() - begun}
    played.write_text(json.dumps(timings), encoding="utf-8")
    said = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in timings.items())
    terminal.line()
    terminal.note(f"The story did what it says: {stage.checks} checks hold. Timings: {said}.")


def _converse(terminal: Terminal, slack: Playground) -> None:
    terminal.chapter("Your turn")
    terminal.line(f"In a browser: {slack.url}")
    terminal.line("Or here:")
    terminal.line(HELP)
    terminal.line("From a second terminal in this folder:")
    terminal.line(f'  cd {ROOT} && {sys.executable} -m bot say --as operator --in ml-arrivals "/ml models"')
    Prompt(slack, terminal).run()


if __name__ == "__main__":
    sys.exit(main())
