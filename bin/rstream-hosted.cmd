@echo off
node "%~dp0..\apps\hosted\dist\rstream-hosted.js" %*
