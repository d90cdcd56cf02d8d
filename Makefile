# make serve   install on first use, then start the API on http://127.0.0.1:8000
# make test    the whole test suite on the same install
# make check   formatting, lint, types
# make words   bring the translations of the web pages up to date
#
# HOST, PORT, PYTHON and every TINGSHUO_* variable are honoured.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := platform plugins webui starter tests bench

ifdef HOST
export TINGSHUO_HOST := $(HOST)
endif
ifdef PORT
export TINGSHUO_PORT := $(PORT)
endif

.PHONY: serve test check format bench words install clean

serve: $(INSTALLED)
	@exec $(BIN)/tingshuo serve

test: $(INSTALLED)
	$(BIN)/python -m pytest $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy $(SOURCES)

format: $(INSTALLED)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(INSTALLED)
	$(BIN)/python bench/asr.py

# The Chinese words of the web pages: new English ones into the .po file, and what it says into the .mo file.
WORDS := webui/src/tingshuo_webui/translations
words: $(INSTALLED)
	$(BIN)/pybabel -q extract -F webui/babel.cfg --no-location --sort-output --omit-header -o $(WORDS)/messages.pot webui/src/tingshuo_webui
	$(BIN)/pybabel -q update -i $(WORDS)/messages.pot -d $(WORDS) -l zh -w 120 --no-fuzzy-matching --ignore-obsolete --omit-header
	rm $(WORDS)/messages.pot
	$(BIN)/pybabel -q compile -d $(WORDS) --use-fuzzy

install: $(INSTALLED)

# Remade when what is to be installed changes; otherwise make serve starts at once.
$(INSTALLED): constraints.txt requirements-dev.txt $(wildcard platform/pyproject.toml plugins/*/pyproject.toml webui/pyproject.toml)
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; set PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV)
