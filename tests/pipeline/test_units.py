"""Units that are ready to install: their syntax, and that they start what was typed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Invoke

from pipeline.schedule.cadence import CadenceError
from pipeline.schedule.units import Flags, cron_of, kubernetes_objects, systemd_unit

NEWSALIGN = Path(sys.executable).with_name("newsalign")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings_of(unit: str) -> dict[str, str]:
    lines = [line for line in unit.splitlines() if line and line[0] not in "#["]
    pairs = [(name, value) for name, _, value in (line.partition("=") for line in lines)]
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_systemd(here: Path, invoke: Invoke) -> None:
    flags = ["in", "--every", "15m", "--output", "my store", "--set", "network.contact='a $x 5%'"]
    done = invoke("schedule", *flags, "--print", "systemd", "--", "--x=1")
    assert (done.exit_code, done.stderr) == (0, "")
    unit = settings_of(done.stdout)
    assert unit["WorkingDirectory"] == str(here)
    assert unit["ReadWritePaths"] == f'"{here}/my store"'
    assert unit["User"] != "root"
    assert unit["ExecStart"] == (
        f'{NEWSALIGN} schedule in --output "my store" --set "network.contact=\'a $$x 5%%\'"'
        " --every 15m --log-format json -- --x=1"
    )


def test_systemd_takes_it(here: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze isn't installed")
    path = here / "newsalign.service"
    program = Path("/bin/true")
    path.write_text(systemd_unit(Flags(inputs=["a b"]), program, here, here / "out", "daemon"))
    done = subprocess.run(
        [verify, "verify", str(path)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "newsalign" in line]
    assert complaints == []


@pytest.mark.parametrize(
    ("every", "expression"),
    [
        ("1m", "* * * * *"),
        ("15m", "*/15 * * * *"),
        ("900s", "*/15 * * * *"),
        ("1h", "0 * * * *"),
        ("6h", "0 */6 * * *"),
        ("1d", "0 0 * * *"),
    ],
)
def test_periods_that_cron_knows(every: str, expression: str) -> None:
    assert cron_of(every) == expression


@pytest.mark.parametrize("every", ["7m", "90m", "5h", "30s", "2d", "90s"])
def test_periods_that_cron_doesn_t_know(every: str) -> None:
    with pytest.raises(CadenceError, match="cron has no such period"):
        cron_of(every)


def test_cron(here: Path, invoke: Invoke) -> None:
    flags = ["in", "--cron", "*/5 6-22 * * *", "--listen", "9464", "--set", "network.contact='5%'"]
    done = invoke("schedule", *flags, "--print", "cron")
    assert done.exit_code == 0
    [line] = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert line.startswith(f"*/5 6-22 * * * cd {here} && ")
    command = line.partition(" && ")[2]
    assert re.search(r"(?<!\\)%", command) is None, "cron would cut the line there"
    assert shlex.split(command.replace("\\%", "%")) == [
        *(str(NEWSALIGN), "run", "in", "--set", "network.contact='5%'", "--quiet")
    ]


def test_kubernetes(here: Path, invoke: Invoke) -> None:
    config = '[schedule]\nevery = "1h"\n\n[network]\ncontact = "ä"\n'
    (here / "my.toml").write_text(config)
    (here / "list.txt").write_text("https://example.org/feed\n")
    flags = ["--feeds", "list.txt", "--config", "my.toml", "--output", "x", "--listen", "9000"]
    done = invoke("schedule", *flags, "--print", "kubernetes", "--image", "r.example/n:1")
    assert (done.exit_code, done.stderr) == (0, "")
    text = done.stdout
    assert [line for line in text.splitlines() if line.startswith("kind:")] == [
        *("kind: ConfigMap", "kind: PersistentVolumeClaim", "kind: Deployment")
    ]
    arguments = [json.loads(a) for a in re.findall(r"^ {12}- (\".*\")$", text, re.MULTILINE)]
    assert arguments == [
        *("schedule", "--feeds", "/etc/newsalign/list.txt", "--output", "/data/out"),
        *("--config", "/etc/newsalign/my.toml", "--listen", "0.0.0.0:9000"),
        *("--log-format", "json"),
    ]
    assert '  "my.toml": |\n    [schedule]\n    every = "1h"\n\n    [network]\n' in text
    assert '  "list.txt": |\n    https://example.org/feed\n' in text
    for wanted in ("runAsNonRoot: true", "type: Recreate", "path: /health", "containerPort: 9000"):
        assert wanted in text
    assert "\t" not in text


def test_kubernetes_parses_as_yaml(here: Path) -> None:
    yaml = pytest.importorskip("yaml")
    files = {"a.toml": "x = 1\n\ty\n", "b": " odd\r\n", "c.txt": "plain\n\ntext: é\n", "d": ""}
    text = kubernetes_objects(Flags(inputs=["in: #1", "- x"], config="a.toml"), "i:1", files)
    config, claim, deployment = yaml.safe_load_all(text)
    assert config["data"] == files
    assert claim["kind"] == "PersistentVolumeClaim"
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["args"][:3] == ["schedule", "in: #1", "- x"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_what_doesn_t_fit_into_a_config_map(here: Path, invoke: Invoke) -> None:
    (here / "list.txt").write_text("https://example.org/feed\n" * 50_000)
    done = invoke("schedule", "--feeds", "list.txt", "--print", "kubernetes")
    assert done.exit_code == 2
    assert "feeds import" in done.stderr
    done = invoke("schedule", "--feeds", "no.txt", "--print", "kubernetes")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
