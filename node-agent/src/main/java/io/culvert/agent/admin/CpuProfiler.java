package io.culvert.agent.admin;

import io.culvert.agent.admin.PprofProfile.Frame;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordingFile;

/**
 * Tells where the process spends its CPU time: {@code seconds} 1..300 (10), {@code frequency} 1..1000 samples a second (100).
 *
 * <p>Runs on: a control thread, which waits while samples are taken. Bounds: one profile at a time.
 *
 * <p>Source: JEP 509; native code is counted for the method that called it.
 */
final class CpuProfiler {
    static final int SECONDS_MAX = 300;
    private static final int FREQUENCY_MAX = 1_000;
    /** Unlike the older event it is due by CPU time and sees native code: ciphers and system calls are most of what is done. */
    private static final String SAMPLE = "jdk.CPUTimeSample";

    private static final long NANOS_PER_SECOND = Duration.ofSeconds(1).toNanos();

    private final Semaphore running = new Semaphore(1);

    Reply answer(Request request) {
        int seconds = number(request, "seconds", 10, SECONDS_MAX);
        int frequency = number(request, "frequency", 100, FREQUENCY_MAX);
        if (seconds == 0 || frequency == 0) {
            return Reply.text(
                    400, "seconds is within 1 and " + SECONDS_MAX + ", frequency within 1 and " + FREQUENCY_MAX + "\n");
        }
        if (!running.tryAcquire()) {
            return Reply.text(503, "a profile is being taken already\n");
        }
        try {
            byte[] profile = profile(Duration.ofSeconds(seconds), Duration.ofNanos(NANOS_PER_SECOND / frequency));
            return new Reply(200, Map.of("Content-Type", "application/octet-stream"), out -> out.write(profile));
        } catch (IOException | RuntimeException e) {
            return Reply.text(500, "the profile could not be taken: " + e.getMessage() + "\n");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Reply.text(500, "the agent is about to end\n");
        } finally {
            running.release();
        }
    }

    /** A parameter's value, 0 when it is wrong. */
    private static int number(Request request, String name, int byDefault, int most) {
        String text = request.query().getOrDefault(name, "");
        if (text.isEmpty()) {
            return byDefault;
        }
        int value = text.matches("[0-9]{1,6}") ? Integer.parseInt(text) : 0;
        return value <= most ? value : 0;
    }

    private static byte[] profile(Duration duration, Duration period) throws IOException, InterruptedException {
        Path file = Files.createTempFile("culvert-profile", ".jfr");
        try (Recording recording = new Recording()) {
            recording.enable(SAMPLE).with("throttle", period.toNanos() + " ns");
            recording.start();
            CountDownLatch never = new CountDownLatch(1);
            boolean _ = never.await(duration.toNanos(), TimeUnit.NANOSECONDS);
            recording.stop();
            recording.dump(file);
            Instant begun = recording.getStartTime();
            long beginNanos = TimeUnit.SECONDS.toNanos(begun.getEpochSecond()) + begun.getNano();
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (OutputStream gzip = new GZIPOutputStream(bytes)) {
                gzip.write(samples(file).encode(beginNanos, duration, period));
            }
            return bytes.toByteArray();
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static PprofProfile samples(Path file) throws IOException {
        PprofProfile profile = new PprofProfile();
        try (RecordingFile events = new RecordingFile(file)) {
            while (events.hasMoreEvents()) {
                RecordedEvent event = events.readEvent();
                if (event.getEventType().getName().equals(SAMPLE) && event.getStackTrace() != null) {
                    profile.add(frames(event.getStackTrace().getFrames()));
                }
            }
        }
        return profile;
    }

    private static List<Frame> frames(List<RecordedFrame> recorded) {
        return recorded.stream()
                .map(frame -> new Frame(
                        frame.getMethod().getType().getName() + "."
                                + frame.getMethod().getName(),
                        frame.getMethod()
                                        .getType()
                                        .getName()
                                        .replaceAll("\\$.*", "")
                                        .replace('.', '/') + ".java",
                        frame.getLineNumber()))
                .toList();
    }
}
