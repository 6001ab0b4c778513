package io.culvert.control.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Tells versions of a file apart without reading it, through any symbolic links on the way.
 *
 * @param text empty where there is no such file
 */
record FileStamp(String text) {
    static final FileStamp ABSENT = new FileStamp("");

    static FileStamp of(Path file) {
        try {
            Map<String, Object> attributes = Files.readAttributes(file, "unix:dev,ino,ctime,lastModifiedTime,size");
            return new FileStamp(attributes.toString());
        } catch (IOException e) {
            return ABSENT;
        }
    }
}
