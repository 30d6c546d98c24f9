"""What the commands of `llr` share: the console, and a help text that ends with examples."""

from __future__ import annotations

import click
from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


class Example(click.Command):
    """A command whose help ends with examples, printed as they are typed."""

    def __init__(self, *args, examples: tuple[str, ...] = (), **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Example" if len(self.examples) == 1 else "Examples"):
            for example in self.examples:
                formatter.write_text(example)
