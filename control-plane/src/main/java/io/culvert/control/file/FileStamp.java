package io.culvert.control.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;

/**
 * Tells versions of a file apart without reading it, through any symbolic links on the way.
 *
 * @param text empty where there is no such file
 * @param changed when the file, or what is known of it, was changed last
 */
record FileStamp(String text, Instant changed) {
    static final FileStamp ABSENT = new FileStamp("", Instant.MAX);

    static FileStamp of(Path file) {
        try {
            Map<String, Object> attributes = Files.readAttributes(file, "unix:dev,ino,ctime,lastModifiedTime,size");
            FileTime changed = (FileTime) Objects.requireNonNull(attributes.get("ctime"));
            return new FileStamp(attributes.toString(), changed.toInstant());
        } catch (IOException e) {
            return ABSENT;
        }
    }

    /** Whether the file has stayed the same for so long. */
    boolean hasRested(Duration least, Instant now) {
        return !equals(ABSENT) && changed.plus(least).isBefore(now);
    }
}
