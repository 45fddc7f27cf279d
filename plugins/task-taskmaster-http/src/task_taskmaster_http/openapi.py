"""What is told to people and programs: one page, and an OpenAPI document."""

from collections.abc import Mapping
from html import escape
from typing import Any

from task_taskmaster_http.rules import Rules

_TEXT = {"type": "string"}
_TASK = {
    "type": "object",
    "required": ["type"],
    "additionalProperties": False,
    "properties": {
        "type": _TEXT,
        "job": _TEXT,
        "info": _TEXT,
        "meta": {
            "oneOf": [
                _TEXT,
                {
                    "type": "object",
                    "additionalProperties": {
                        "oneOf": [_TEXT, {"type": "array", "items": _TEXT}]
                    },
                },
            ]
        },
        "id": _TEXT,
        "created": {"type": "string", "format": "date-time"},
        "topic": _TEXT,
    },
}
_SENT = {
    "type": "object",
    "properties": {"id": _TEXT, "type": _TEXT, "topic": _TEXT},
}
_ERROR = {"type": "object", "properties": {"error": _TEXT}}
_PROBLEMS = {
    "400": "no JSON",
    "401": "no token, or one that is not known",
    "403": "the token may not send this",
    "409": "the tasks of this Idempotency-Key are being sent",
    "413": "too long, or too many tasks",
    "415": "another content type",
    "422": "no task, or one that the bus cannot carry",
    "429": "too many requests",
    "503": "the bus has not confirmed it: try again",
}


def document(rules: Rules, *, backload: bool) -> Mapping[str, Any]:
    """Return the OpenAPI document.

    Args:
        rules: Tokens and hooks.
        backload: Whether ranges of dates can be asked for.
    """
    paths: dict[str, Any] = {"/tasks": {"post": _tasks()}}
    if backload:
        paths["/backload"] = {"post": _backload()}
    for name, hook in rules.hooks.items():
        paths[f"/hooks/{name}"] = {
            "post": {
                "summary": f"Call the hook {name}: it sends a task {hook.type}",
                "responses": {
                    "200": {"description": "not what the hook is for"},
                    "202": _answer("the bus has confirmed the task", _SENT),
                    **_problems(),
                },
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "task", "version": "1"},
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}
        },
        "security": [{"token": []}] if rules.tokens else [],
    }


def page(rules: Rules) -> str:
    """Return a page that tells how to send, for people."""
    token = " \\\n  -H 'Authorization: Bearer TOKEN'" if rules.tokens else ""
    hooks = "".join(
        f"<li><code>POST /hooks/{escape(name)}</code>: a task"
        f" <code>{escape(hook.type)}</code></li>"
        for name, hook in rules.hooks.items()
    )
    problems = "".join(
        f"<tr><td>{status}</td><td>{text}</td></tr>"
        for status, text in _PROBLEMS.items()
    )
    return _PAGE.format(token=escape(token), hooks=hooks, problems=problems)


def _tasks() -> dict[str, Any]:
    many = {"type": "array", "items": _TASK}
    told = {
        "oneOf": [
            _SENT,
            {
                "type": "object",
                "properties": {"tasks": {"type": "array", "items": _SENT}},
            },
        ]
    }
    return {
        "summary": "Send one task, or many",
        "parameters": [
            {"name": "topic", "in": "query", "schema": _TEXT},
            {"name": "Idempotency-Key", "in": "header", "schema": _TEXT},
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [_TASK, many]}},
                "application/x-ndjson": {"schema": _TEXT},
            },
        },
        "responses": {
            "202": _answer("the bus has confirmed all of them", told),
            **_problems(),
        },
    }


def _backload() -> dict[str, Any]:
    keys = ("task", "job", "template", "workflow", "from", "to", "at", "by")
    properties: dict[str, Any] = dict.fromkeys((*keys, "meta-file"), _TEXT)
    properties["meta"] = {"type": "object"}
    properties["execute"] = {"type": "boolean"}
    told = {
        "type": "object",
        "properties": {
            "Status": _TEXT,
            "Count": {"type": "integer"},
            "Tasks": {"type": "array", "items": _TASK},
        },
    }
    body = {"type": "object", "required": ["task"], "properties": properties}
    return {
        "summary": "Plan the tasks of a range of dates; send them with execute",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body}},
        },
        "responses": {
            "200": _answer("what would be sent", told),
            "202": _answer("the bus has confirmed all of them", told),
            **_problems(),
        },
    }


def _problems() -> dict[str, Any]:
    return {status: _answer(text, _ERROR) for status, text in _PROBLEMS.items()}


def _answer(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": text,
        "content": {"application/json": {"schema": schema}},
    }


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>task: send tasks</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto;
  padding: 0 1rem; }}
pre {{ overflow-x: auto; padding: .7rem; border: 1px solid; border-radius: .3rem; }}
td {{ padding-right: 1rem; vertical-align: top; }}
</style>
<main>
<h1>Send tasks</h1>
<pre>curl http://HOST:PORT/tasks{token} \\
  -H 'Content-Type: application/json' \\
  -d '{{"type": "load", "info": "a.csv"}}'</pre>
<p>202 is answered when the bus has confirmed it. Several tasks are a list, or one a
line as <code>application/x-ndjson</code>. A request that is repeated with the same
<code>Idempotency-Key</code> gets the same answer, and is sent once.</p>
<ul>{hooks}</ul>
<table>{problems}</table>
<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>
</main>
</html>
"""
