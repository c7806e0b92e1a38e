"""What keeps a schedule running elsewhere: a systemd service, a crontab line, Kubernetes objects.

Printed from the command line at hand, ready to install; nothing is written anywhere.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.config import ScheduleSettings
from pipeline.metrics_server import parse_address
from pipeline.schedule.cadence import CadenceError, parse_duration

DATA = "/data"
CONFIG_FOLDER = "/etc/newsalign"
CONTAINER_USER = 10001  # as in the Dockerfile
PORT = 9464


@dataclass(frozen=True, slots=True)
class Flags:
    """The command line of a schedule."""

    inputs: Sequence[str] = ()
    feed: Sequence[str] = ()
    feeds: Sequence[str] = ()
    settings: Sequence[str] = ()
    config: str | None = None
    output: str | None = None
    runner: str | None = None
    workers: int | None = None
    every: str | None = None
    cron: str | None = None
    timezone: str | None = None
    jitter: str | None = None
    listen: str | None = None
    log_format: str | None = None
    beam: Sequence[str] = ()

    def words(self, command: str = "schedule", *more: str) -> list[str]:
        """Return the arguments of `newsalign`; `run` takes no schedule's flags."""
        named: list[tuple[str, str | int | None]] = [
            *(("--feed", url) for url in self.feed),
            *(("--feeds", name) for name in self.feeds),
            ("--output", self.output),
            ("--config", self.config),
            ("--runner", self.runner),
            ("--workers", self.workers),
            *(("--set", pair) for pair in self.settings),
        ]
        if command == "schedule":
            named += [
                ("--every", self.every),
                ("--cron", self.cron),
                ("--timezone", self.timezone),
                ("--jitter", self.jitter),
                ("--listen", self.listen),
                ("--log-format", self.log_format),
            ]
        words = [command, *self.inputs]
        for flag, value in named:
            if value is not None:
                words += [flag, str(value)]
        return [*words, *more, *(("--", *self.beam) if self.beam else ())]


def systemd_unit(flags: Flags, program: Path, folder: Path, store: Path, user: str) -> str:
    """Return a service that runs the schedule as `user` from `folder`."""
    owner, made = user, ""
    if user == "root":
        owner = "newsalign"
        made = f"# sudo useradd --system --no-create-home --shell /usr/sbin/nologin {owner}\n"
    command = " ".join(
        map(_systemd_word, [str(program), *replace(flags, log_format="json").words()])
    )
    return f"""\
{made}# sudo install -d -o {owner} {shlex.quote(str(store))}
# sudo cp THIS /etc/systemd/system/newsalign.service
# sudo systemctl daemon-reload && sudo systemctl enable --now newsalign
# systemctl reload newsalign reads the config again; journalctl -u newsalign -o cat shows its log
[Unit]
Description=newsalign: news articles in, actor alignment out
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User={owner}
WorkingDirectory={str(folder).replace("%", "%%")}
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
TimeoutStopSec=20
Restart=always
RestartSec=30
Nice=5
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=true
ProtectControlGroups=true
RestrictSUIDSGID=true
ReadWritePaths={_systemd_quoted(str(store))}

[Install]
WantedBy=multi-user.target
"""


def crontab_line(flags: Flags, when: ScheduleSettings, program: Path, folder: Path) -> str:
    """Return a crontab line that starts single runs at the times `when`; raises CadenceError.

    Cron knows no time zone, no seconds and no periods that don't divide the hour or the day.
    """
    if when.cron and when.timezone != "UTC":
        raise CadenceError("schedule.timezone: a crontab goes by the machine's; leave it out")
    times = " ".join(when.cron.split()) or cron_of(when.every)
    command = f"cd {shlex.quote(str(folder))} && " + shlex.join(
        [str(program), *flags.words("run", "--quiet")]
    )
    return f"""\
# crontab -e; times are the machine's, what is wrong comes by mail.
# A run that is still going on makes the next one give up.
{times} {command.replace("%", chr(92) + "%")}
"""


def cron_of(every: str) -> str:
    """Return the cron expression of a period; raises CadenceError where there is none."""
    minutes, rest = divmod(parse_duration(every), 60)
    number = int(minutes)
    if not rest and number == 1:
        return "* * * * *"
    if not rest and number and number < 60 and 60 % number == 0:
        return f"*/{number} * * * *"
    hours, left = divmod(number, 60)
    if not (rest or left) and hours == 1:
        return "0 * * * *"
    if not (rest or left) and hours and hours < 24 and 24 % hours == 0:
        return f"0 */{hours} * * *"
    if not (rest or left) and hours == 24:
        return "0 0 * * *"
    raise CadenceError(f"every {every}: cron has no such period; name one with --cron")


def kubernetes_objects(flags: Flags, image: str, files: Mapping[str, str]) -> str:
    """Return a ConfigMap of `files` by name, a volume claim and a Deployment of one pod.

    The flags name files as the pod sees them (`pipeline.schedule.pod_files`).
    """
    port = parse_address(flags.listen)[1] if flags.listen else PORT
    inside = replace(
        flags,
        output=f"{DATA}/out",
        listen=f"0.0.0.0:{port}",
        log_format="json",
    )
    arguments = _yaml_list(inside.words(), 12)
    mounts = [f"            - {{name: data, mountPath: {DATA}}}"]
    mounts.append("            - {name: tmp, mountPath: /tmp}")
    volumes = ["        - {name: data, persistentVolumeClaim: {claimName: newsalign}}"]
    volumes.append("        - {name: tmp, emptyDir: {}}")
    objects = []
    if files:
        objects.append(_config_map(files))
        mounts.append(f"            - {{name: config, mountPath: {CONFIG_FOLDER}}}")
        volumes.append("        - {name: config, configMap: {name: newsalign}}")
    objects.append(_CLAIM)
    objects.append(
        _DEPLOYMENT.format(
            image=json.dumps(image),
            arguments=arguments,
            port=port,
            user=CONTAINER_USER,
            mounts="\n".join(mounts),
            volumes="\n".join(volumes),
        )
    )
    return (
        "# kubectl apply -f THIS; feeds: kubectl exec deploy/newsalign -- newsalign feeds add URL"
        f" -o {DATA}/out\n" + "---\n".join(objects)
    )


_CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: newsalign}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 20Gi}}
"""
# One pod, replaced and never doubled: a store has one writer. It is restarted when it doesn't
# answer, not when runs fail; those show as not ready.
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: newsalign
  labels: {{app: newsalign}}
spec:
  replicas: 1
  strategy: {{type: Recreate}}
  selector: {{matchLabels: {{app: newsalign}}}}
  template:
    metadata:
      labels: {{app: newsalign}}
      annotations: {{prometheus.io/scrape: "true", prometheus.io/port: "{port}"}}
    spec:
      terminationGracePeriodSeconds: 20
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: {user}
        runAsGroup: {user}
        fsGroup: {user}
        seccompProfile: {{type: RuntimeDefault}}
      containers:
        - name: newsalign
          image: {image}
          args:
{arguments}
          ports: [{{name: http, containerPort: {port}}}]
          readinessProbe:
            httpGet: {{path: /health, port: http}}
            periodSeconds: 30
          livenessProbe:
            httpGet: {{path: /live, port: http}}
            periodSeconds: 30
            failureThreshold: 5
          startupProbe:
            httpGet: {{path: /live, port: http}}
            periodSeconds: 2
            failureThreshold: 60
          resources:
            requests: {{cpu: 500m, memory: 2Gi}}
            limits: {{memory: 4Gi}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{drop: [ALL]}}
          volumeMounts:
{mounts}
      volumes:
{volumes}
"""


def _config_map(files: Mapping[str, str]) -> str:
    data = "\n".join(
        f"  {json.dumps(name)}: {_yaml_text(text)}" for name, text in sorted(files.items())
    )
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: newsalign}}\ndata:\n{data}\n"


def _yaml_text(text: str) -> str:
    """Return a file's text as YAML: its lines as they are, or a JSON string, which is YAML too."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if not plain or not text.endswith("\n") or not lines[0] or lines[0].startswith(" "):
        return json.dumps(text, ensure_ascii=False)
    return "|\n" + "\n".join(f"    {line}" if line else "" for line in lines)


def _yaml_list(words: Iterable[str], indent: int) -> str:
    return "\n".join(f"{' ' * indent}- {json.dumps(w, ensure_ascii=False)}" for w in words)


def _systemd_word(word: str) -> str:
    """Return a word of ExecStart, where `$` would start a variable."""
    return _systemd_quoted(word.replace("$", "$$"))


def _systemd_quoted(word: str) -> str:
    """Return a word without specifiers, quoted where it must be."""
    text = word.replace("\\", "\\\\").replace("%", "%%")
    if re.fullmatch(r"[\w@%+=:,./*$-]+", text):
        return text
    return '"' + text.replace('"', '\\"') + '"'
