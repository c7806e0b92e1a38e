# newsalign in a container: docker build -t newsalign .
# docker run -v newsalign:/data newsalign feeds add https://example.org/feed --output /data/out
# docker run -d -v newsalign:/data -p 127.0.0.1:9464:9464 --name newsalign newsalign
# docker run -d -v newsalign:/data -p 127.0.0.1:9464:9464 newsalign \
#   stream --output /data/out --listen 0.0.0.0:9464
FROM golang:1.26-bookworm AS prism
RUN CGO_ENABLED=0 GOBIN=/out go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0

FROM python:3.11-slim-bookworm AS build
WORKDIR /src

# All wheels of the lock, hashes checked; what only development needs stays in this stage.
COPY requirements.lock ./
RUN python -m pip wheel --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
      --wheel-dir /wheels --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY configs/ configs/
COPY pipeline/ pipeline/
COPY transforms/ transforms/
RUN python -m pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-index \
      --find-links /wheels --wheel-dir /wheels . \
    && python -m venv /opt/newsalign \
    && /opt/newsalign/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
      --no-index --find-links /wheels --compile newsalign \
    && /opt/newsalign/bin/newsalign config check

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="newsalign" \
      org.opencontainers.image.description="News articles in, actor alignment out" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/newsalign/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

# A number of its own, so that a volume's owner is the same everywhere.
RUN groupadd --system --gid 10001 newsalign \
    && useradd --system --uid 10001 --gid 10001 --home-dir /data --no-create-home newsalign \
    && install --directory --owner=10001 --group=10001 /data
COPY --from=build /opt/newsalign /opt/newsalign
COPY --from=prism /out/prism /usr/local/bin/prism
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=2 \
    CMD ["python", "-m", "pipeline.health", "http://127.0.0.1:9464/health"]
ENTRYPOINT ["newsalign"]
CMD ["schedule", "--output", "/data/out", "--listen", "0.0.0.0:9464", "--log-format", "json"]
