package io.culvert.agent.config;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How the process runs and ends.
 *
 * @param workerThreads event loops that carry traffic, at least 1
 * @param drainDeadline how long open connections may go on once the agent is told to stop
 * @param stateDirectory where it notes what an agent after it has to know, until the machine restarts
 * @param buildTag the version that fleet tools are told
 */
public record ProcessConfig(int workerThreads, Duration drainDeadline, Path stateDirectory, String buildTag) {}
