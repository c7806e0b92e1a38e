"""Ten seeded kills: nothing lost, nothing doubled, every file readable at every moment."""

from __future__ import annotations

from pathlib import Path

import pytest
from kills import Campaign

pytestmark = pytest.mark.job


def test_ten_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, seed=20261125, articles=12)
    outcome = campaign.cycle({"run": 2, "rebuild": 2, "compact": 6})
    assert outcome.wrong == []
    assert outcome.kills == {"run": 2, "rebuild": 2, "compact": 6}
    # A reader that had read nothing would have found nothing either.
    assert outcome.rounds > 10
    assert outcome.reads > 100
