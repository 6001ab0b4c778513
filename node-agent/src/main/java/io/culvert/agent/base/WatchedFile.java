package io.culvert.agent.base;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A file that others replace, possibly by moving a symbolic link on the way to it.
 *
 * <p>Runs on: any; reads block as files do. Bounds: what is read.
 *
 * @param path where it is
 * @param bytesMax how large it may be
 */
public record WatchedFile(Path path, int bytesMax) {
    /** What {@link #stamp} is when there is no such file. */
    public static final String ABSENT = "";

    /** Tells versions of the file apart without reading it. */
    public String stamp() {
        try {
            return Files.readAttributes(path, "unix:dev,ino,ctime,lastModifiedTime,size")
                    .toString();
        } catch (IOException e) {
            return ABSENT;
        }
    }

    /** Its content. Errors: {@link IOException}, in words that name the file; also when it is too large. */
    public byte[] read() throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            byte[] content = in.readNBytes(bytesMax + 1);
            if (content.length > bytesMax) {
                throw new IOException(path + " is larger than " + bytesMax + " bytes");
            }
            return content;
        } catch (NoSuchFileException e) {
            throw new IOException(path + " does not exist", e);
        } catch (AccessDeniedException e) {
            throw new IOException(path + " may not be read by the user that the agent runs as", e);
        }
    }
}
