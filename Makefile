# make train | make test: each creates .venv and installs everything when that has not been done.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.installed
# By files, so that what a file's tests share is made once; each process holds a TensorFlow of its own.
# In the order of tests/conftest.py: the plugin's own puts files with one long test at the end.
SPREAD = -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# The tests start many processes; without compiled files each compiles the code anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: train serve test test-slow lint clean pretrained

train: $(READY)
	$(BIN)/python -m dfdetect.train --model xception

# Serves the page on this computer, with the detector that ships.
serve: $(READY)
	$(BIN)/python -m dfdetect.serve

test: $(READY)
	$(BIN)/python -m pytest $(SPREAD)

test-slow: $(READY)
	$(BIN)/python -m pytest $(SPREAD) -m "slow or not slow"

# Trains what ships anew: MANIFEST is of open_faces, WEIGHTS those of MobileNet on ImageNet (or a file of them).
# Small pictures first, which costs half as much.
MANIFEST ?= data/open_faces/manifest.csv
WEIGHTS ?= imagenet
PAIRED = $(BIN)/python -m dfdetect.train --model mobilenet --manifest $(MANIFEST) --augment paired \
	--bn-momentum 0.9 --weight-decay 0.02 --batch-size 32 --seed 1
pretrained: $(READY)
	$(PAIRED) --image-size 128 --weights $(WEIGHTS) --epochs 30 --learning-rate 5e-4 --out runs/small128
	$(PAIRED) --image-size 160 --weights runs/small128 --epochs 45 --learning-rate 4e-4 --out runs/small160
	$(PAIRED) --image-size 160 --weights runs/small160 --epochs 25 --learning-rate 4e-4 --out runs/small25
	$(PAIRED) --image-size 160 --weights runs/small25 --epochs 50 --learning-rate 4e-4 --seed 2 --out runs/small
	$(BIN)/python -m dfdetect.pretrained runs/small --manifest $(MANIFEST) --out dfdetect/pretrained/small

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# packaging/dlib names the ready-built dlib-bin as dlib, so that face_recognition needs no compiler.
$(READY): setup.cfg pyproject.toml constraints.txt packaging/dlib/setup.cfg
	$(PYTHON) -c "import sys; assert (3, 11) <= sys.version_info < (3, 14), 'Python 3.11 to 3.13 is needed'"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		./packaging/dlib -e ".[train,export,face-recognition,heic,hub,serve,tensorboard,test,lint]"
	touch $(READY)

clean:
	rm -rf $(VENV)
