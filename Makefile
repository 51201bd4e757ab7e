# The entry points people type; meson and ninja do the work.
BUILD ?= build
.PHONY: all
all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) -Db_sanitize=address,undefined
