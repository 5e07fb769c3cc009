/** The small trained models that ship with Diffuse4J, as resources. */
package io.diffuse4j.models;
