"""Where requests wait: the thread of the bus answers, whoever still listens."""

import asyncio

from task_taskmaster_http.desk import Desk, Entry


def test_an_answer_that_comes_after_the_end_of_the_server_is_nobodys():
    """A bus that was slow has sent it; its taskmaster ends in order."""

    async def come():
        return Entry([], None)

    entry = asyncio.run(come())
    Desk.answer([(entry, [])])
    assert not entry.answer.done()
