# Thin targets; `make help` prints them.
SHELL := /bin/sh
# Looked up for each command, because `deps` may just have installed it.
export JAVA_HOME = $(shell build/find-jdk 2>/dev/null)
# Warnings and errors only; Maven's own -q would hide the warnings that fail a build.
MVN := mvn -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dculvert.revision=$(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

comma := ,
.PHONY: help deps build demo test test-interop test-ktls docs fmt lint deps-check bench jmh scale h2spec clean aot profile
help: ## print this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
deps: ## check what is needed to build, test and demonstrate; as root, install what is missing
	@build/deps all
build: ## compile and package everything; leaves bin/culvert-agent and bin/culvert
	@build/deps build
	$(MVN) -T2 -DskipTests package
	@build/launchers
demo: ## two nodes, four pods, every claim shown and checked in half a minute; KEEP=1 leaves it standing to play with
	@build/deps demo
	@$(MAKE) --no-print-directory build
	@demo/run $(if $(filter-out 0 no false,$(KEEP)),--keep)
test: ## all tests: unit, property, simulation, fuzz, and in network namespaces (root, or user namespaces)
	@build/deps test
	$(MVN) -T2 -DskipTests package
	@build/launchers
	@[ "$$(id -u)" = 0 ] || $(MVN) -pl testkit -Dtest=GenTest verify
	@build/as-root build/run-tests $$([ "$$(id -u)" = 0 ] || echo --offline) $(ARGS)
test-interop: ## traffic with a real Envoy, fetched by pip, as waypoint, peer, gateway; with another ztunnel: CULVERT_PEER_ZTUNNEL=/path
	@build/deps test
	@build/envoy >/dev/null
	$(MVN) -T2 -DskipTests package
	@build/launchers
	@$(if $(CULVERT_PEER_ZTUNNEL),test -x '$(CULVERT_PEER_ZTUNNEL)' || { echo "culvert: $(CULVERT_PEER_ZTUNNEL) is no program" >&2; exit 1; },:)
	@build/as-root build/run-tests $$([ "$$(id -u)" = 0 ] || echo --offline) -pl system-tests -am \
	  -Dtest='*InteropIT$(if $(CULVERT_PEER_ZTUNNEL),,$(comma)!PeerZtunnelInteropIT)' -Dculvert.peer.ztunnel='$(CULVERT_PEER_ZTUNNEL)' \
	  -Dsurefire.failIfNoSpecifiedTests=false -Dculvert.envoy=$$(build/envoy) $(ARGS)
	@$(if $(CULVERT_PEER_ZTUNNEL),:,echo "Left out: PeerZtunnelInteropIT$(comma) as CULVERT_PEER_ZTUNNEL names no ztunnel to run it with.")
test-ktls: ## tests under one of Debian's kernels, which has kernel TLS, in an emulated machine; CLASSES=..., CULVERT_KTLS_SUITE=trixie-backports
	@build/deps ktls
	@build/test-ktls $(CLASSES)
docs: ## write docs/configuration.md and docs/metrics.md anew
	@build/deps build
	$(MVN) -pl node-agent -am test -Dtest='*DocTest' -Dsurefire.failIfNoSpecifiedTests=false -Dculvert.golden.update=true
fmt: ## format all Java sources
	@build/deps build
	$(MVN) spotless:apply
lint: ## format, forbidden calls, compiler warnings and Error Prone, without running tests
	@build/deps build
	@for script in $$(grep -l '^#!/bin/sh' build/* .ci/* demo/*); do sh -n "$$script" || exit 1; done
	$(MVN) -T2 -DskipTests verify
deps-check: ## prove that every third-party artifact resolves from an empty local repository
	@build/deps build
	@build/deps-check
aot: build ## train the agent's ahead-of-time cache with real traffic, in network namespaces: it starts in half the time then
	@build/deps test
	@build/as-root perf/macro/train node-agent/target/culvert-agent.aot
bench: aot ## cost against plain TCP and a pair of Envoys, in network namespaces (root, or user namespaces); QUICK=1: under 90 s; ARGS=--help
	@build/as-root perf/macro/bench $(if $(QUICK),--quick) $(ARGS)
profile: aot ## where both agents' time goes under a work, by perf(1): a table, and flame graphs with ARGS='--works bulk --svg' (root)
	@build/deps profile
	@perf/macro/profile $(ARGS)
jmh: ## JMH benchmarks; INCLUDE=regex picks, ARGS go to JMH (ARGS=-l lists)
	@build/deps test
	$(MVN) -pl perf -am -DskipTests package
	perf/jmh $(if $(INCLUDE),'$(subst ','\'',$(INCLUDE))') $(ARGS)
scale: ## what 100,000 workloads and 10,000 services cost, told through a real discovery stream; ARGS='--workloads 1000'
	@build/deps test
	$(MVN) -pl node-agent -am -DskipTests package dependency:build-classpath -DincludeScope=test -Dmdep.outputFile=target/test-classpath
	perf/scale $(ARGS)
h2spec: ## HTTP/2 conformance of the server role; docs/h2spec.md lists what does not apply (needs Go)
	@build/find-jdk >/dev/null
	@build/h2spec >/dev/null
	$(MVN) -q -pl ztunnel-protocol -am -DskipTests test-compile
	$(JAVA_HOME)/bin/java -cp ztunnel-protocol/target/classes:ztunnel-protocol/target/test-classes \
	  io.culvert.protocol.hbone.H2specRun target/tools/h2spec docs/h2spec.md target/h2spec/report.xml
clean: ## remove what the build made
	rm -rf bin target ./*/target
