# Needs Python 3.11+, git and make; everything else is installed into .venv from the lock files.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TRAIN := build/train/bin/python
# Most tests wait for a broker or a process: more of them at once than cores. Each of these has a broker of its own.
PARALLEL ?= 4
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: help setup demo test secrets up down containers kafka kafka-jars alertmanager apache faults fuzz check lock generated train train-general train-english evaluate clean

help:
	@echo "make setup   install into .venv"
	@echo "make demo    the whole pipeline on the five seed articles (KEEP=1 leaves it running)"
	@echo "make test    all tests but the slow ones below"
	@echo "make apache  the tests of the broker's clients again, on an Apache Kafka"
	@echo "make kafka   run an Apache Kafka and print its address (needs Java 17 and Maven)"
	@echo "make up      build the images and run everything in containers; make down stops it"
	@echo "make secrets write random passwords and tokens to secrets/, those that are not there"
	@echo "make containers  build the images, run the compose file, scale, kill, take it down (needs a container engine)"
	@echo "make alertmanager  unpack Debian's Prometheus Alertmanager, which make test then uses"
	@echo "make faults  kill, stop and starve workers and the broker; compare with an undisturbed run"
	@echo "make fuzz    look for input that the parsers of ingest fail at (SECONDS=60 for each; Linux on x86-64)"
	@echo "make check   formatting, lint, types, imports, generated files"
	@echo "make generated  write docs/schemas, asyncapi.json, settings.md, topics.md, metrics.md"
	@echo "make train   make the embedded model anew (hours on two cores; installs torch with CUDA, several GB)"
	@echo "make evaluate   score the embedded model on the development articles"
	@echo "make lock    resolve the lock files anew (needs uv)"
	@echo "make clean   remove .venv, caches and data"

setup: $(VENV)/.ready

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

demo: setup
	$(BIN)/python -m demo $(if $(KEEP),--keep,)

test: setup
	$(BIN)/python -m pytest --numprocesses $(PARALLEL) --dist loadscope

kafka: setup kafka-jars
	$(BIN)/python -m tests.kafka

kafka-jars: build/kafka/.ready

build/kafka/.ready: tests/kafka/pom.xml
	@command -v java >/dev/null && command -v mvn >/dev/null || { echo "Apache Kafka needs Java 17 and Maven (Debian: apt-get install openjdk-17-jre-headless maven)"; exit 1; }
	mvn --quiet --batch-mode --file $< dependency:copy-dependencies
	touch $@

apache: setup kafka-jars
	$(BIN)/python -m pytest -m apache --numprocesses $(PARALLEL) --dist loadscope

secrets: secrets/api-token secrets/ingest-token secrets/postgres-password secrets/grafana-password secrets/alert

secrets/alert:
	mkdir -p -m 700 secrets
	mkdir -m 755 $@  # for the secrets of channels, see docs/operate.md

secrets/%:
	mkdir -p -m 700 secrets
	$(PYTHON) -c "import secrets; print(secrets.token_hex(32), end='')" > $@
	chmod 644 $@  # the folder is closed; in containers user 10001 reads them

up: secrets
	docker compose build ingest topics  # once each: all services but ingest run the image that topics does
	docker compose up --detach --no-build --wait

down:
	docker compose down

containers: setup secrets
	$(BIN)/python -m pytest tests/containers -m containers

alertmanager: build/alertmanager/.ready

build/alertmanager/.ready:
	@command -v apt-get >/dev/null && command -v dpkg >/dev/null || { echo "Prometheus Alertmanager is taken from Debian's packages, which this system has not; install it another way"; exit 1; }
	mkdir -p build/alertmanager
	cd build/alertmanager && apt-get download prometheus-alertmanager && dpkg -x prometheus-alertmanager_*.deb .
	touch $@

faults: setup kafka-jars
	$(BIN)/python -m pytest tests/faults -m faults

fuzz: setup
	for target in $$($(BIN)/python -c 'from tests.fuzz.targets import TARGETS; print(*TARGETS)'); do \
		$(BIN)/python -m tests.fuzz $$target $(or $(SECONDS),60) || exit 1; \
	done

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

generated: setup
	$(BIN)/python docs/generate.py

lock:
	uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url -o requirements.lock
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url -o requirements-dev.lock
	uv pip compile --group build --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url -o requirements-build.lock
	uv pip compile pyproject.toml training/requirements.in --generate-hashes --python-version 3.11 --python-platform x86_64-manylinux_2_28 --no-header --no-emit-index-url -o training/requirements.lock

MODEL := stance_service/models/embedded

train: train-general train-english

train-general: build/train/.ready
	$(TRAIN) -m training.base --out build/base
	$(TRAIN) -m training.intermediate --base build/base --external training/data/external --out build/stage1.pt
	$(TRAIN) -m training.train --base build/base --stage-one build/stage1.pt --data training/data --written training/data/written --out build/stage2.pt
	$(TRAIN) -m training.export --base build/base --weights build/stage2.pt --languages en --out $(MODEL)
	$(TRAIN) -m training.fit --model $(MODEL)

train-english: build/train/.ready
	$(TRAIN) -m training.english_base --out build/base-en
	$(TRAIN) -m training.intermediate --base build/base-en --external training/data/external --lr 5e-5 --minutes 90 --out build/stage1-en.pt
	$(TRAIN) -m training.train --base build/base-en --stage-one build/stage1-en.pt --data training/data --written training/data/written --language en --epochs 6 --lr 5e-5 --new-lr 1.5e-4 --four-bits-from 0.7 --out build/stage2-en.pt
	$(TRAIN) -m training.export --base build/base-en --weights build/stage2-en.pt --four-bits --out $(MODEL)/en
	$(TRAIN) -m training.fit --model $(MODEL)/en --language en

evaluate: setup
	$(BIN)/python -m training.evaluate training/data/dev.jsonl

build/train/.ready: training/requirements.lock
	mkdir -p build/train
	$(PYTHON) -m venv build/train
	build/train/bin/python -m pip install --quiet --require-hashes -r training/requirements.lock
	touch $@

clean:
	rm -rf $(VENV) data build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
