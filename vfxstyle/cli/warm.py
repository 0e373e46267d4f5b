"""``vfxstyle warm``."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from vfxstyle.errors import ResourceError, UsageError

_DEFAULT = "x86-64-v3"


@click.command()
@click.option("--cpu", metavar="NAME", help=f"Processor to compile for. [default: {_DEFAULT} if this one is of it]")
@click.option("--device", metavar="GPU", help="Compile for a GPU of this machine too: cuda or cuda:N.")
def warm(cpu: str | None, device: str | None) -> None:
    """Compile every kernel now, at installation, so that no task has to.

    NAME is a level of x86-64 (x86-64-v2, -v3, -v4), for all machines of that level or above, or LLVM's name of this
    machine's processor.
    """
    from tsp.compiled import runs_on_this_processor
    from vfxstyle.features import check_device

    if device is not None:
        if not device.startswith("cuda"):
            raise UsageError(
                f"'{device}' is not a GPU; choose cuda or cuda:N, or leave --device out for the processor."
            )
        check_device(device)
    named = cpu or os.environ.get("NUMBA_CPU_NAME") or _DEFAULT
    if cpu is not None and not runs_on_this_processor(cpu):
        raise UsageError(
            f"This machine's processor cannot run what is compiled for '{cpu}'; run this on one of that kind, or name "
            "another level: x86-64-v2, x86-64-v3 or x86-64-v4."
        )
    environment = os.environ | ({"NUMBA_CPU_NAME": named} if runs_on_this_processor(named) else {})
    rehearsal = [sys.executable, "-P", "-m", "vfxstyle.rehearsal", *filter(None, [device])]
    ran = subprocess.run(rehearsal, env=environment, check=False)
    if ran.returncode != 0:
        raise ResourceError("The rehearsal that compiles the kernels failed; what it said stands above.")
    said = [sys.executable, "-P", "-c", "from vfxstyle.cli.machine import kernels; print(kernels())"]
    click.echo(subprocess.run(said, env=environment, check=True, text=True, stdout=subprocess.PIPE).stdout, nl=False)
