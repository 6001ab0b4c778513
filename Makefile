# Thin targets; `make help` prints them.
SHELL := /bin/sh
export JAVA_HOME := $(shell build/find-jdk 2>/dev/null)
MVN := mvn

.PHONY: help build test fmt jmh h2spec
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
h2spec: ## HTTP/2 conformance of the server role; docs/h2spec.md lists what does not apply (needs Go)
	@build/find-jdk >/dev/null
	@build/h2spec >/dev/null
	$(MVN) -q -pl ztunnel-protocol -am -DskipTests test-compile
	$(JAVA_HOME)/bin/java -cp ztunnel-protocol/target/classes:ztunnel-protocol/target/test-classes \
	  io.culvert.protocol.hbone.H2specRun target/tools/h2spec docs/h2spec.md target/h2spec/report.xml
