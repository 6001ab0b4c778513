# Thin targets; `make help` prints them.
SHELL := /bin/sh
export JAVA_HOME := $(shell build/find-jdk 2>/dev/null)
MVN := mvn

.PHONY: help build test fmt jmh
help: ## print this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
build: ## compile and package everything
	@build/find-jdk >/dev/null
	$(MVN) -q -DskipTests package
test: ## all tests
	@build/find-jdk >/dev/null
	$(MVN) verify
fmt: ## format all Java sources
	$(MVN) -q spotless:apply
jmh: ## JMH benchmarks; INCLUDE=regex picks, ARGS go to JMH (ARGS=-l lists)
	@build/find-jdk >/dev/null
	$(MVN) -q -pl perf -am -DskipTests package
	perf/jmh $(INCLUDE) $(ARGS)
