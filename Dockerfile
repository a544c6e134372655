# Images of both services: `docker build --target ingest .` and `docker build --target stance .`
# BASE_IMAGE is any Debian with Python 3.11 or later, python3-venv included.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
WORKDIR /build
COPY requirements.lock requirements-build.lock ./
# Bytecode is made here, as the root file system is read-only; not that of hundreds of models which nobody loads.
# Nothing runs the tests of libraries, reads what transformers generates its models from, or links to onnxruntime.
RUN python3 -m venv tools \
    && tools/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements-build.lock \
    && python3 -m venv --without-pip /app \
    && tools/bin/pip --python /app/bin/python install --no-cache-dir --no-compile --require-hashes -r requirements.lock \
    && find /app/lib -type d -name tests -prune -exec rm -r {} + \
    && find /app/lib -path '*/transformers/models/*' -name 'modular_*.py' -delete \
    && rm -f /app/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.* \
    && /app/bin/python -m compileall -q -x transformers/models /app/lib

FROM packages AS build
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY ingest_service ingest_service
COPY stance_service stance_service
# What is ours is kept apart: a layer of its own is all that an upgrade fetches while the packages stay the same.
RUN tools/bin/hatchling build -t wheel -d dist \
    && tools/bin/pip --python /app/bin/python install --no-cache-dir --no-deps --no-index --prefix /ours dist/*.whl \
    && mv /ours/lib/python3*/site-packages/stance_service/models /models \
    && cp -a /ours/. /app \
    && tools/bin/cyclonedx-py environment --output-reproducible --of JSON -o /ours/sbom.cdx.json /app/bin/python

# Both services have the layer with all packages in common, so that a machine keeps it once.
FROM ${BASE_IMAGE} AS service
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Stancewatch" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/app/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STANCE_DATA_DIR=/data \
    STANCE_HEALTH_HOST=0.0.0.0 \
    STANCE_HEALTH_PORT=8081 \
    STANCE_LOG_FORMAT=json
RUN install -d -o 10001 -g 10001 /data
COPY --from=packages /app /app
COPY --from=build /ours /app
WORKDIR /data
EXPOSE 8081
USER 10001:10001
STOPSIGNAL SIGTERM

FROM service AS ingest
LABEL org.opencontainers.image.title="ingest-service" \
      org.opencontainers.image.description="Turns feeds, sitemaps, pages, files and posted articles into articles on Kafka"
HEALTHCHECK --interval=30s --timeout=20s --start-period=300s CMD ["ingest-service", "health"]
ENTRYPOINT ["ingest-service"]
CMD ["run"]

FROM service AS stance
LABEL org.opencontainers.image.title="stance-service" \
      org.opencontainers.image.description="Reads articles and announces when an actor's position changes"
COPY --from=build /models /models
ENV STANCE_MODEL_DIR=/models/embedded
HEALTHCHECK --interval=30s --timeout=20s --start-period=300s CMD ["stance-service", "health"]
ENTRYPOINT ["stance-service"]
CMD ["--help"]
