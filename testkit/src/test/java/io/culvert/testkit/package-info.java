/** Tests of the test kit. */
@NullMarked
package io.culvert.testkit;

import org.jspecify.annotations.NullMarked;
