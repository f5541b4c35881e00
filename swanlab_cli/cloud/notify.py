"""Posting one message to a webhook. Its address is a secret: nothing that is given back or raised holds it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import requests

from .webhooks import payload_for, refusal_in

DEADLINE_S = 10.0
_PAUSES_S = (0.5, 2.0)
_CONNECT_S = 3.0
_ANSWER_BYTES = 4096


def send(url: str, text: str, fields: Mapping[str, Any]) -> str | None:
    """Post the message; why it did not arrive, or None.

    Tried again twice where the server cannot be reached, is overloaded (429) or fails (5xx), for DEADLINE_S in all; not where it
    has taken the message and does not answer, since it may have delivered it. A server that trickles may keep us longer.
    """
    ends_at = time.monotonic() + DEADLINE_S
    payload = payload_for(url, text, fields)
    for pause_s in (*_PAUSES_S, None):
        failure, may_retry = _try(url, payload, ends_at - time.monotonic())
        if not may_retry or pause_s is None or time.monotonic() + pause_s >= ends_at:
            break
        time.sleep(pause_s)
    return failure


def _try(url: str, payload: Mapping[str, Any], allowed_s: float) -> tuple[str | None, bool]:
    """Why it failed, and whether another try may help."""
    timeouts = min(_CONNECT_S, allowed_s), allowed_s
    try:
        # A redirected POST becomes a GET, which delivers nothing and succeeds.
        with requests.post(url, json=payload, timeout=timeouts, allow_redirects=False, stream=True) as response:
            if response.status_code >= 300:
                return f"HTTP status {response.status_code}", response.status_code >= 500 or response.status_code == 429
            return _refusal(response.raw.read(_ANSWER_BYTES, decode_content=True)), False
    except requests.exceptions.SSLError:
        return "its certificate cannot be trusted", False
    except requests.exceptions.ReadTimeout:
        return f"no answer within {DEADLINE_S:.0f} s", False
    except requests.exceptions.ConnectionError:
        return "it cannot be reached", True
    except Exception as error:  # whatever else requests and urllib3 raise holds the address: only its kind may be told
        return type(error).__name__, False


def _refusal(body: bytes) -> str | None:
    try:
        answer = json.loads(body)
    except ValueError:  # "ok", as Slack says
        return None
    return refusal_in(answer) if isinstance(answer, dict) else None
