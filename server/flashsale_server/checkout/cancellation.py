"""Cancellation: one's own, or that of what one waits for? Both arrive as CancelledError."""

import asyncio


def is_being_cancelled() -> bool:
    """Whether somebody has asked the task that is running to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
