"""Ten seeded kills: nothing lost, nothing doubled, every file readable at every moment."""

from __future__ import annotations

from pathlib import Path

import pytest
from kills import Campaign

from pipeline.stream.prism import find_prism

pytestmark = pytest.mark.job

# Without a runner that streams, its kills go to a run.
STREAMED = {"run": 1, "stream": 2} if find_prism("") else {"run": 3}
KILLS = {**STREAMED, "schedule": 1, "rebuild": 2, "compact": 4}


def test_ten_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, seed=20261125, articles=12)
    outcome = campaign.cycle(KILLS)
    assert outcome.wrong == []
    assert outcome.kills == KILLS
    # A reader that had read nothing would have found nothing either.
    assert outcome.rounds > 10
    assert outcome.reads > 100
    assert outcome.rows > 100
