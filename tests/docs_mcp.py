"""Speaks to the example docs_mcp through the protocol's own client, over passages and over a store of them.

Usage: docs_mcp.py DOCS_MCP BUILD_INDEX."""

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

PASSAGES = [
    {"id": f"{origin}.{name}", "title": f"{origin}.{name}(a)", "text": f"{text}\n\n>>> {origin}.{name}(a)",
     "origin": origin, "version": version, "location": f"{origin}/__init__.py"}
    for origin, version in [("acme", "1.0"), ("acme", "2.0"), ("widgets", "3.1")]
    for name, text in [("sort", "Sorts an array in place."), ("fold", "Folds an array in half.")]
]
for number, passage in enumerate(PASSAGES):
    passage["id"] += f"-{number}"


async def converse(program: str, passages: Path) -> None:
    server = StdioServerParameters(command=program, args=[str(passages)])
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == {"resolve-library-id", "query-docs"}, tools
        text, failed = await call(session, "resolve-library-id", query="sort an array", libraryName="Acme")
        assert not failed and "ID: /local/acme\n" in text and "- Versions: 1.0, 2.0" in text, text
        text, failed = await call(session, "query-docs", libraryId="/local/acme/2.0", query="sort an array")
        assert not failed and text.startswith("### acme.sort(a)\n"), text
        assert "(acme 2.0)" in text and "(acme 1.0)" not in text and "widgets" not in text, text
        text, failed = await call(session, "query-docs", libraryId="/upstash/context7", query="sort")
        assert failed and "resolve-library-id" in text, text
        for name, arguments in [("query-docs", {"libraryId": "/local/acme"}), ("query-docs", {}), ("no-such-tool", {}),
                                ("query-docs", {"libraryId": 7, "query": "sort"})]:
            try:
                result = await session.call_tool(name, arguments)
            except Exception as error:
                assert "argument" in str(error) or "no tool" in str(error), error
            else:
                raise AssertionError(f"{name} {arguments} gave {result}")
        for nothing in ["", "?!", "zebra"]:
            text, failed = await call(session, "query-docs", libraryId="/local/acme", query=nothing)
            assert not failed and text.startswith("Nothing in /local/acme fits"), text
        text, failed = await call(session, "resolve-library-id", query="", libraryName="")
        assert not failed and text.startswith("No library here"), text
        text, failed = await call(session, "query-docs", libraryId="/local/widgets", query="fold")
        assert not failed and "Folds" in text, text


async def call(session: ClientSession, name: str, **arguments: str) -> tuple[str, bool]:
    result = await session.call_tool(name, arguments)
    failed = getattr(result, "isError", None)
    return result.content[0].text, bool(result.is_error if failed is None else failed)


def hostile(program: str, passages: Path) -> None:
    """What no client sends: nothing of it may panic, or put anything but the protocol on standard output."""
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}}
    said = [json.dumps(hello), json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            # What is no JSON has no answer in any server of the protocol; what is no request is told so.
            "not json", '{"jsonrpc": "2.0", "id": 9, "meth', "[" * 100_000, "{}", "[1, 2]", "null", "", json.dumps({"jsonrpc": "2.0", "id": 2, "method": "no/such"}),
            json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": 5}}),
            json.dumps({"jsonrpc": "2.0", "id": 4, "method": "tools/call",
                        "params": {"name": "query-docs", "arguments": {"libraryId": "\0", "query": "\ud800x"}}}),
            json.dumps({"jsonrpc": "2.0", "id": 5, "method": "tools/list"})]
    ran = subprocess.Popen([program, str(passages)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    ran.stdin.write("".join(line + "\n" for line in said))
    ran.stdin.flush()
    answers = {}
    while 5 not in answers:
        line = ran.stdout.readline()
        assert line, f"it ended; standard error: {ran.stderr.read()}"
        answer = json.loads(line)
        assert answer["jsonrpc"] == "2.0", line
        answers[answer.get("id")] = answer
    ran.stdin.close()
    assert ran.wait(timeout=30) == 0, ran.returncode
    assert "panicked" not in ran.stderr.read()
    assert all("error" in answers[number] for number in (2, 3)), answers
    refused(program, passages, "no client")


def refused(program: str, passages: Path, why: str) -> None:
    """It ends with one line on standard error, and says nothing where the client listens."""
    ran = subprocess.run([program, str(passages)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ran.returncode == 1 and ran.stdout == "" and why in ran.stderr and ran.stderr.count("\n") == 1, ran


def main() -> None:
    program, build_index = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        passages, store, empty = Path(place) / "passages.jsonl", Path(place) / "store", Path(place) / "empty"
        passages.write_text("".join(json.dumps(passage) + "\n" for passage in PASSAGES))
        subprocess.run([build_index, "--out", store, "--jsonl", passages], check=True)
        for documents in (passages, store):
            asyncio.run(asyncio.wait_for(converse(program, documents), 120))
            hostile(program, documents)
        empty.mkdir()
        refused(program, Path(place) / "missing", "missing")
        refused(program, empty, "holds no index")
        (store / "passages.jsonl").write_text(passages.read_text().replace("array", "arraz"))
        refused(program, store, "passages.jsonl")
    print("docs_mcp speaks the protocol")


main()
