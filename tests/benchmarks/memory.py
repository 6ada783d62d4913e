"""What pages cost in memory: `python tests/benchmarks/memory.py [--json]`.

One visitor without a browser opens every page of the real server in turn, once with the server
computing itself and once with a compute process. Prints the megabytes that the server holds after
each page, those of its compute process, and whether torch is loaded in the server: resident, and
in brackets the share of each where processes of the machine share the pages of libraries (Linux's
RSS and PSS).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from serving import Served, serve
from streamlit.proto.BackMsg_pb2 import BackMsg
from visitors import call, say

PAGES = ("", "Draw", "Architecture", "Train", "Data", "Results", "Compare", "Learn", "Class")


def main() -> None:
    """Measure and print."""
    figures = {processes: _measure(processes) for processes in ("0", "1")}
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for processes, rows in figures.items():
        print(f"compute processes: {processes}")
        for page, row in rows.items():
            torch = ", torch in the server" if row["torch"] else ""
            both = " + ".join("{:4.0f} ({:4.0f})".format(*row[who]) for who in ("server", "apart"))
            print(f"  {page or 'Home':14}{both} MB{torch}")


def _measure(processes: str) -> dict[str, dict]:
    os.environ |= {"DIGITLAB_COMPUTE_PROCESSES": processes, "DIGITLAB_WARM_WORKERS": "0"}
    with tempfile.TemporaryDirectory() as home, serve(home) as server:
        return asyncio.run(_visit(server))


async def _visit(server: Served) -> dict[str, dict]:
    rows = {}
    async with call(server.url) as socket:
        for page in PAGES:
            message = BackMsg()
            message.rerun_script.page_name = page
            await say(socket, [message.SerializeToString()])
            await asyncio.sleep(1)
            rows[page] = _memory(server.process_id)
    return rows


def _memory(process_id: int) -> dict:
    threads = Path(f"/proc/{process_id}/task").iterdir()
    children = [each for task in threads for each in (task / "children").read_text("utf-8").split()]
    apart = [_megabytes(int(child)) for child in children]
    loaded = Path(f"/proc/{process_id}/maps").read_text("utf-8")
    return {
        "server": _megabytes(process_id),
        "apart": [sum(kind) for kind in zip(*apart, strict=True)] or [0, 0],
        "torch": "libtorch_cpu" in loaded,
    }


def _megabytes(process_id: int) -> list[float]:
    """What a process holds, and its share of what it shares."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text("utf-8").splitlines()
    values = {line.split()[0]: int(line.split()[1]) / 1000 for line in lines[1:]}
    return [values["Rss:"], values["Pss:"]]


if __name__ == "__main__":
    main()
